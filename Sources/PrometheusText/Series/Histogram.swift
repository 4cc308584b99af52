import CoreMetrics
import Synchronization

/// Counts values by the buckets that they fall into, and sums them up.
final class Histogram: RecorderHandler, TimerHandler, MetricSeries {
    private struct State {
        /// How many values fell into each bucket: one for each bound, and one for values above all bounds.
        var counts: [Int64]
        var sum = 0.0
    }

    static let kind = MetricKind.histogram
    private let bounds: [Double]
    private let state: Mutex<State>

    /// - Parameter bounds: The upper ends of the buckets, each above the one before.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    /// - Parameter value: It falls into the first bucket whose bound it does not pass; NaN falls into the last.
    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter) {
        let state = state.withLock { $0 }
        var total: Int64 = 0
        for (bound, count) in zip(bounds + [.infinity], state.counts) {
            // Prometheus wants a bucket to count the values of the buckets before it too.
            total += count
            writer.sample(name + "_bucket", labels.adding("le", TextWriter.number(bound)), "\(total)")
        }
        writer.sample(name + "_sum", labels, TextWriter.number(state.sum))
        writer.sample(name + "_count", labels, "\(total)")
    }
}
