import Foundation
import Synchronization

/// Tells running work to stop.
final class CancelFlag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() {
        raised.store(true, ordering: .relaxed)
    }
}

/// Somebody who waits for a job to end.
struct JobWaiter<Kind: JobKind>: Sendable {
    let token: UInt64
    let body: @Sendable (Job<Kind>?) -> Void
}

/// All that a queue keeps of one job.
struct JobRecord<Kind: JobKind>: Sendable {
    let id: JobID
    /// Counts up in order of creation.
    let sequence: UInt64
    var lifecycle: JobLifecycle
    var details: Kind.Details
    var progress = JobProgress()
    var failure: Kind.Failure?
    var output = Job<Kind>.Availability.none
    var expiresAt: Date?
    /// Set while the job is queued.
    var work: JobWork<Kind>?
    var waiters: [JobWaiter<Kind>] = []
    let cancelFlag = CancelFlag()

    init(id: JobID, sequence: UInt64, lifecycle: JobLifecycle, details: Kind.Details) {
        self.id = id
        self.sequence = sequence
        self.lifecycle = lifecycle
        self.details = details
    }

    /// A job as another process knew it.
    init(_ job: Job<Kind>) {
        self.init(id: job.id, sequence: job.sequence, lifecycle: JobLifecycle(of: job), details: job.details)
        progress = job.progress
        failure = job.failure
        output = job.output
        expiresAt = job.expiresAt
    }

    var status: JobStatus { lifecycle.status }

    var snapshot: Job<Kind> {
        Job(
            id: id, sequence: sequence, status: status, isCancelRequested: lifecycle.isCancelRequested,
            details: details, progress: progress, createdAt: lifecycle.createdAt, queuedAt: lifecycle.queuedAt,
            startedAt: lifecycle.startedAt, finishedAt: lifecycle.finishedAt, expiresAt: expiresAt, failure: failure,
            output: output)
    }
}
