/// What a job's work knows of its job.
package final class JobContext<Kind: JobKind>: Sendable {
    package let id: JobID
    private let cancelFlag: CancelFlag
    private let queue: JobQueue<Kind>

    init(id: JobID, cancelFlag: CancelFlag, queue: JobQueue<Kind>) {
        self.id = id
        self.cancelFlag = cancelFlag
        self.queue = queue
    }

    /// Whether to stop and return ``JobOutcome/canceled``. Asked once per image; costs one read of memory.
    package var isCancelled: Bool { cancelFlag.isRaised }

    /// What was asked for, as far as it is known by now; nil if the job was deleted.
    package var details: Kind.Details? { queue.details(of: id) }

    /// Says how far the work has come; see ``JobQueue/update(_:imagesDone:imagesTotal:details:)``.
    package func report(
        imagesDone: Int, imagesTotal: Int? = nil, details change: (inout Kind.Details) -> Void = { _ in }
    ) {
        queue.update(id, imagesDone: imagesDone, imagesTotal: imagesTotal, details: change)
    }
}
