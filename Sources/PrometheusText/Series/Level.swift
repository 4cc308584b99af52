import CoreMetrics
import Synchronization

/// A number that goes up and down.
final class Level: MeterHandler, RecorderHandler, MetricSeries {
    static let kind = MetricKind.gauge
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }

    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter) {
        writer.sample(name, labels, TextWriter.number(value.withLock { $0 }))
    }
}
