import CoreMetrics
import Synchronization

/// Counts the lines of the log that were lost.
final class LogMetrics: Sendable {
    private let log: LogWriter
    private let lostLines: Counter
    private let counted = Mutex(0)

    init(_ log: LogWriter, _ factory: any MetricsFactory) {
        self.log = log
        lostLines = Counter(label: "segscore_log_lines_lost_total", factory: factory)
    }

    /// Adds the lines that were lost since the last time.
    func update() {
        let count = log.lostCount
        let new = counted.withLock { counted in
            defer { counted = max(counted, count) }
            return max(count - counted, 0)
        }
        lostLines.increment(by: new)
    }
}
