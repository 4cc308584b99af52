package import Foundation

/// How much a queue does at once, and how much it keeps.
package struct JobLimits: Sendable, Equatable {
    /// Jobs that run at the same time.
    package let workers: Int
    /// Jobs that may be receiving or queued at the same time, and as many may be open besides.
    package let backlog: Int
    /// How long an output is kept after its job has finished, in seconds.
    package let timeToLive: TimeInterval
    /// The memory that all kept outputs may take, in bytes.
    package let resultBytes: Int
    /// Finished jobs that are remembered, with or without their output.
    package let history: Int
    /// Of the finished jobs that are remembered, those whose time is over, so that they have no output any more.
    package let expiredHistory: Int

    /// - Parameters:
    ///   - workers: At least 1.
    ///   - backlog: At least 0; 0 refuses every job.
    ///   - timeToLive: Seconds, finite, at least 0; at 0 only those who wait for a job see its output.
    ///   - resultBytes: Bytes, at least 0.
    ///   - history: At least 0.
    ///   - expiredHistory: At least 0.
    package init(
        workers: Int, backlog: Int, timeToLive: TimeInterval, resultBytes: Int, history: Int, expiredHistory: Int = 1000
    ) {
        precondition(workers >= 1 && backlog >= 0 && resultBytes >= 0 && history >= 0 && expiredHistory >= 0)
        precondition(timeToLive.isFinite && timeToLive >= 0)
        self.workers = workers
        self.backlog = backlog
        self.timeToLive = timeToLive
        self.resultBytes = resultBytes
        self.history = history
        self.expiredHistory = expiredHistory
    }

    /// Whether an output that is made now is kept. An output over the whole budget is not, since it would push out all
    /// others and find no room even so.
    ///
    /// - Parameters:
    ///   - byteCount: The memory that it takes.
    package func keepsOutput(of byteCount: Int) -> Bool {
        byteCount <= resultBytes && timeToLive > 0 && history > 0
    }
}
