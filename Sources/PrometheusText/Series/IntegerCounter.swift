import CoreMetrics
import Synchronization

/// A whole number that never goes down.
final class IntegerCounter: CounterHandler, MetricSeries {
    static let kind = MetricKind.counter
    private let count = Atomic<Int64>(0)

    /// - Parameter amount: An amount below zero is passed over, since a counter never goes down.
    func increment(by amount: Int64) {
        if amount > 0 { count.wrappingAdd(amount, ordering: .relaxed) }
    }

    func reset() {
        count.store(0, ordering: .relaxed)
    }

    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter) {
        writer.sample(name, labels, "\(count.load(ordering: .relaxed))")
    }
}
