import Glibc
import Logging

/// The program's log: its logger, and the writer behind it.
struct Log {
    let logger: Logger
    let writer: LogWriter

    /// Begins a log on the standard error stream.
    init(_ format: LogFormat, _ level: Logger.Level) {
        let label = "segscore"
        let writer = LogWriter(STDERR_FILENO) { count in
            LogLine(
                level: .warning, label: label, source: label, message: "lines of the log were lost",
                metadata: ["count": "\(count)"]
            ).bytes(format)
        }
        var logger = Logger(label: label) { LineLogHandler(label: $0, format: format, writer: writer) }
        logger.logLevel = level
        (self.logger, self.writer) = (logger, writer)
    }
}
