import CoreMetrics
import Synchronization

/// Counts up.
final class IntegerCounter: CounterHandler, MetricSeries {
    static let kind = MetricKind.counter
    private let count = Atomic<Int64>(0)

    /// - Parameter amount: What is below zero is passed over: a counter never goes down.
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
