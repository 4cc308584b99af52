package import Foundation

/// A job: what was asked for, how it stands, and what it has made.
///
/// This is the one record of a job. The queue keeps it, hands out copies of it, and a store writes it down. A copy is a
/// value: it says how the job stood when it was taken, and a change to it changes no other. What its lifecycle knows
/// can be asked of the job.
@dynamicMemberLookup
package struct Job<Kind: JobKind>: Sendable {
    /// What there is of a job's output.
    package enum Availability: Sendable {
        /// The job has made none, or not yet.
        case none
        case available(Kind.Output)
        /// There was an output, and it was dropped: its time was over or its memory was needed.
        case expired
    }

    package let id: JobID
    /// Counts up in order of creation.
    package let sequence: UInt64
    package var lifecycle: JobLifecycle
    package var details: Kind.Details
    /// What a client calls the request that made the job; nil without one, and for a job whose request will never be
    /// complete.
    package var key: Kind.Key?
    /// What that request is told by from others of the same key; nil while its body arrives.
    package var fingerprint: Kind.Fingerprint?
    /// What was kept of the input in parts, in order of arrival, from the time that it was complete until the job has
    /// ended.
    package var parts: [Kind.Part] = []
    package var progress = JobProgress()
    /// Set if the job ``JobStatus/failed``.
    package var failure: Kind.Failure?
    package var output = Availability.none
    /// When the output goes, or went; nil for a job without one, and for one that somebody keeps.
    package var expiresAt: Date?

    package init(
        id: JobID, sequence: UInt64, lifecycle: JobLifecycle, details: Kind.Details, key: Kind.Key? = nil
    ) {
        self.id = id
        self.sequence = sequence
        self.lifecycle = lifecycle
        self.details = details
        self.key = key
    }

    package subscript<Value>(dynamicMember member: KeyPath<JobLifecycle, Value>) -> Value { lifecycle[keyPath: member] }

    package var status: JobStatus { lifecycle.status }

    /// How long it waited for a worker, in seconds; nil for a job that never ran.
    package var secondsQueued: TimeInterval? { Self.seconds(from: lifecycle.queuedAt, to: lifecycle.startedAt) }

    /// How long a worker had it, in seconds; nil for a job that never ran, and while it runs.
    package var secondsRun: TimeInterval? { Self.seconds(from: lifecycle.startedAt, to: lifecycle.finishedAt) }

    /// At least 0: the clock may have been set back.
    private static func seconds(from start: Date?, to end: Date?) -> TimeInterval? {
        guard let start, let end else { return nil }
        return max(end.timeIntervalSince(start), 0)
    }

    /// The output, for a caller that cannot go on without it.
    ///
    /// - Throws: ``JobError/notFinished(_:_:)`` while the job lives, ``JobError/withoutOutput(_:_:)`` if it failed or
    ///   was canceled, ``JobError/expired(_:)`` if the output was dropped.
    package func requireOutput() throws(JobError) -> Kind.Output {
        switch output {
        case .available(let output): return output
        case .expired: throw .expired(id)
        case .none: throw status.isFinal ? .withoutOutput(id, status) : .notFinished(id, status)
        }
    }
}
