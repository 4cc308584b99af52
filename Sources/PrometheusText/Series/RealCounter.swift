import CoreMetrics
import Synchronization

/// A sum of fractions, which never goes down.
final class RealCounter: FloatingPointCounterHandler, MetricSeries {
    static let kind = MetricKind.counter
    private let sum = Mutex(0.0)

    /// - Parameter amount: An amount that is not above zero is passed over, since a counter never goes down.
    func increment(by amount: Double) {
        guard amount > 0 else { return }
        sum.withLock { $0 += amount }
    }

    func reset() {
        sum.withLock { $0 = 0 }
    }

    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter) {
        writer.sample(name, labels, TextWriter.number(sum.withLock { $0 }))
    }
}
