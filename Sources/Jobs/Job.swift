package import Foundation

/// A job as it stood at one moment.
package struct Job<Kind: JobKind>: Sendable {
    /// What there is of a job's output.
    package enum Availability: Sendable {
        /// The job has made none, or not yet.
        case none
        case available(Kind.Output)
        /// There was one, and it was dropped: its time was over or its memory was needed.
        case expired
    }

    package let id: JobID
    /// Counts up in order of creation.
    package let sequence: UInt64
    package let status: JobStatus
    /// Whether somebody canceled a job that runs. It ends ``JobStatus/canceled`` unless its work is done first.
    package let isCancelRequested: Bool
    package let details: Kind.Details
    package let progress: JobProgress
    package let createdAt: Date
    /// When its input was complete; nil for a job that never waited for a worker.
    package let queuedAt: Date?
    /// When a worker took it up; nil for a job that never ran.
    package let startedAt: Date?
    package let finishedAt: Date?
    /// When the output goes, or went; nil for a job without one.
    package let expiresAt: Date?
    /// Set for a job that ``JobStatus/failed``.
    package let failure: Kind.Failure?
    package let output: Availability

    /// A job as another process knew it, for ``JobQueue/restore(_:)``.
    package init(
        id: JobID, sequence: UInt64, status: JobStatus, isCancelRequested: Bool = false, details: Kind.Details,
        progress: JobProgress, createdAt: Date, queuedAt: Date?, startedAt: Date?, finishedAt: Date?, expiresAt: Date?,
        failure: Kind.Failure?, output: Availability
    ) {
        self.id = id
        self.sequence = sequence
        self.status = status
        self.isCancelRequested = isCancelRequested
        self.details = details
        self.progress = progress
        self.createdAt = createdAt
        self.queuedAt = queuedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.expiresAt = expiresAt
        self.failure = failure
        self.output = output
    }

    /// How long it waited for a worker; nil for a job that never ran.
    package var secondsQueued: TimeInterval? { Self.seconds(from: queuedAt, to: startedAt) }

    /// How long a worker had it; nil for a job that never ran, and while it runs.
    package var secondsRun: TimeInterval? { Self.seconds(from: startedAt, to: finishedAt) }

    /// At least 0: the clock may have been set back.
    private static func seconds(from start: Date?, to end: Date?) -> TimeInterval? {
        guard let start, let end else { return nil }
        return max(end.timeIntervalSince(start), 0)
    }

    /// The output, for whoever can't go on without it.
    ///
    /// - Throws: ``JobError/notFinished(_:_:)`` while the job lives, ``JobError/withoutOutput(_:_:)`` where it failed or
    ///   was canceled, ``JobError/expired(_:)`` where the output was dropped.
    package func requireOutput() throws(JobError) -> Kind.Output {
        switch output {
        case .available(let output): return output
        case .expired: throw .expired(id)
        case .none: throw status.isFinal ? .withoutOutput(id, status) : .notFinished(id, status)
        }
    }
}
