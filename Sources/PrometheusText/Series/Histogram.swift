import CoreMetrics
import Synchronization

/// Counts values by the bucket that they fall into.
final class Histogram: RecorderHandler, TimerHandler, MetricSeries {
    private struct State {
        /// One for each bound, and one for what is above all of them.
        var counts: [Int64]
        var sum = 0.0
    }

    static let kind = MetricKind.histogram
    private let bounds: [Double]
    private let state: Mutex<State>

    /// - Parameter bounds: Each above the one before.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    /// - Parameter value: Falls into the first bucket whose bound it does not pass; NaN into the last.
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
            // Buckets hold what the ones before them hold.
            total += count
            writer.sample(name + "_bucket", labels.adding("le", TextWriter.number(bound)), "\(total)")
        }
        writer.sample(name + "_sum", labels, TextWriter.number(state.sum))
        writer.sample(name + "_count", labels, "\(total)")
    }
}
