import Synchronization

/// A job as its queue keeps it: the record, and what only the process that runs it has.
struct JobEntry<Kind: JobKind>: Sendable {
    var job: Job<Kind>
    /// Set while the job is queued.
    var work: JobWork<Kind>?
    var waiters: [JobWaiter<Kind>] = []
    let cancelFlag = CancelFlag()

    init(_ job: Job<Kind>) {
        self.job = job
    }

    var status: JobStatus { job.status }
}

/// Tells running work to stop.
final class CancelFlag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() {
        raised.store(true, ordering: .relaxed)
    }
}

/// A caller that waits for a job to end.
struct JobWaiter<Kind: JobKind>: Sendable {
    let token: UInt64
    let body: @Sendable (Job<Kind>?) -> Void
}
