package import Foundation
import Synchronization

/// Runs jobs on a bounded number of workers and knows of each how it stands.
///
/// A job is admitted while its input comes in, is enqueued with its work when the input is complete, runs, ends, and is
/// remembered for a while. All functions may be called from any thread, callbacks included; none of them waits for a
/// job.
package final class JobQueue<Kind: JobKind>: Sendable {
    private let clock: JobClock
    private let operations: OperationQueue
    private let state: Mutex<JobQueueState<Kind>>

    private let tell: @Sendable (JobEvent<Kind>) -> Void

    /// - Parameter onEvent: Called for each event, from any thread, before the change that it came from has returned.
    package init(
        limits: JobLimits, clock: JobClock = JobClock(),
        onEvent: @escaping @Sendable (JobEvent<Kind>) -> Void = { _ in }
    ) {
        self.clock = clock
        tell = onEvent
        operations = OperationQueue()
        operations.name = "segscore.jobs"
        operations.maxConcurrentOperationCount = limits.workers
        state = Mutex(JobQueueState(limits: limits))
    }

    package convenience init(limits: JobLimits, now: @escaping @Sendable () -> Date) {
        self.init(limits: limits, clock: JobClock(now: now))
    }

    /// Whether queued jobs stay queued. Those that run go on.
    package var isSuspended: Bool {
        get { operations.isSuspended }
        set { operations.isSuspended = newValue }
    }

    // MARK: The way in

    /// Opens a job whose input is about to come in; it is ``JobStatus/receiving``.
    ///
    /// - Throws: ``JobError/draining``, ``JobError/atCapacity(limit:)``.
    package func admit(_ details: Kind.Details) throws(JobError) -> JobID {
        try change { state, _, now throws(JobError) in try state.admit(details, at: now) }
    }

    /// Opens a job that takes input in several requests; it is ``JobStatus/open`` until it is enqueued.
    ///
    /// - Throws: ``JobError/draining``, ``JobError/tooManyOpen(limit:)``.
    package func open(_ details: Kind.Details) throws(JobError) -> JobID {
        try change { state, _, now throws(JobError) in try state.open(details, at: now) }
    }

    /// Changes what a job says of itself and how far it has come, unless it has ended or is unknown.
    ///
    /// - Parameters:
    ///   - imagesDone: Fewer than before count for nothing.
    ///   - imagesTotal: Nil leaves the total as it is.
    ///   - change: Runs with the lock held: it changes the value and calls nothing else.
    /// - Returns: Whether the job is still live; where it is not, its input is no longer wanted.
    @discardableResult
    package func update(
        _ id: JobID, imagesDone: Int = 0, imagesTotal: Int? = nil,
        details change: (inout Kind.Details) -> Void = { _ in }
    ) -> Bool {
        self.change { state, _, _ in
            state.update(id) { record in
                record.progress.imagesDone = max(record.progress.imagesDone, imagesDone)
                record.progress.imagesTotal = imagesTotal ?? record.progress.imagesTotal
                change(&record.details)
            }
        }
    }

    /// Forgets a job whose input was refused or abandoned, as if it had never been. One that is past its input, or was
    /// canceled, stays.
    package func withdraw(_ id: JobID) {
        change { state, aftermath, _ in state.withdraw(id, &aftermath) }
    }

    /// Has a job's work run when a worker is free, first in, first out. The work is dropped as soon as it has returned, or
    /// when the job is canceled before.
    ///
    /// - Throws: ``JobError/unknown(_:)``; ``JobError/alreadyFinished(_:_:)`` where the job was canceled meanwhile;
    ///   ``JobError/notReceiving(_:_:)`` where it was enqueued before.
    package func enqueue(_ id: JobID, work: @escaping JobWork<Kind>) throws(JobError) {
        try change { state, aftermath, now throws(JobError) in
            try state.enqueue(id, work: work, at: now, &aftermath)
        }
    }

    /// Does what ``enqueue(_:work:)`` does, and ``whenFinal(_:timeout:_:)`` before the job can end: an output that finds no
    /// room is only handed to those who wait for it already.
    ///
    /// - Parameters:
    ///   - timeout: Seconds above 0; nil waits as long as it takes.
    ///   - whenFinal: Called whether this throws or not.
    /// - Throws: As ``enqueue(_:work:)``.
    package func enqueue(
        _ id: JobID, timeout: TimeInterval?, work: @escaping JobWork<Kind>,
        whenFinal: @escaping @Sendable (Job<Kind>?) -> Void
    ) throws(JobError) {
        let (token, answer) = change { state, aftermath, now in
            let token = state.wait(for: id, waits: true, whenFinal, &aftermath)
            return (token, Result { () throws(JobError) in try state.enqueue(id, work: work, at: now, &aftermath) })
        }
        if let token, let timeout { timeOut(id, token: token, after: timeout) }
        try answer.get()
    }

    /// Takes up jobs of another process, before any other.
    ///
    /// Those that are ``JobStatus/receiving`` or ``JobStatus/open`` go on as jobs do that were admitted or opened. Of those that
    /// have ended the latest are kept, with their output where its time is not over, as far as limits allow.
    ///
    /// - Parameters:
    ///   - jobs: In order of creation; none of them queued or running.
    package func restore(_ jobs: [Job<Kind>]) {
        // Asked for here, since outputs are not ours.
        let measured = jobs.map { job -> (Job<Kind>, Int) in
            guard case .available(let output) = job.output else { return (job, 0) }
            return (job, max(output.byteCount, 0))
        }
        change { state, aftermath, now in state.restore(measured, at: now, &aftermath) }
    }

    // MARK: The way out

    /// Cancels a job: at once where it does not run, else as soon as its work sees it.
    ///
    /// - Returns: The job after that, maybe still ``JobStatus/running``.
    /// - Throws: ``JobError/unknown(_:)``, ``JobError/alreadyFinished(_:_:)``.
    @discardableResult
    package func cancel(_ id: JobID) throws(JobError) -> Job<Kind> {
        try change { state, aftermath, now throws(JobError) in try state.cancel(id, at: now, &aftermath) }
    }

    /// Cancels all jobs that have not ended.
    package func cancelAll() {
        change { state, aftermath, now in state.cancel(JobStatus.allCases, at: now, &aftermath) }
    }

    /// Cancels a job that is open; one that is not goes its way.
    package func cancelOpen(_ id: JobID) {
        change { state, aftermath, now in
            guard state.table[id]?.status == .open else { return }
            // It is there and it lives.
            _ = try? state.cancel(id, at: now, &aftermath)
        }
    }

    /// Cancels the jobs that are open, which nobody can bring input for any more.
    package func cancelOpen() {
        change { state, aftermath, now in state.cancel([.open], at: now, &aftermath) }
    }

    /// Cancels a job where it lives, and forgets it. Who waits for it is told nil.
    ///
    /// - Throws: ``JobError/unknown(_:)``.
    package func delete(_ id: JobID) throws(JobError) {
        try change { state, aftermath, now throws(JobError) in try state.delete(id, at: now, &aftermath) }
    }

    /// Has a job fail that has succeeded, since its output is not what it was.
    ///
    /// - Returns: Whether there was one with an output.
    @discardableResult
    package func spoil(_ id: JobID, _ failure: Kind.Failure) -> Bool {
        change { state, aftermath, _ in state.spoil(id, failure, &aftermath) }
    }

    /// Refuses new jobs from now on. Those admitted go their way.
    package func drain() {
        change { state, _, _ in state.drain() }
    }

    package var isDraining: Bool { change { state, _, _ in state.isDraining } }

    // MARK: How things stand

    /// - Throws: ``JobError/unknown(_:)``.
    package func job(_ id: JobID) throws(JobError) -> Job<Kind> {
        let job = change { state, _, _ in state.table[id]?.snapshot }
        guard let job else { throw .unknown(id) }
        return job
    }

    /// Lists jobs, newest first.
    ///
    /// - Parameters:
    ///   - status: Nil for all.
    ///   - cursor: ``JobPage/next`` of the page before; nil begins with the newest.
    ///   - limit: Jobs on the page; 0 or less gives none.
    ///   - isWanted: Runs with the lock held: it looks at the value and calls nothing else.
    package func jobs(
        status: JobStatus? = nil, after cursor: JobCursor? = nil, limit: Int,
        where isWanted: (Kind.Details) -> Bool = { _ in true }
    ) -> JobPage<Kind> {
        change { state, _, _ in state.table.page(status: status, after: cursor, limit: limit, where: isWanted) }
    }

    package var counts: JobCounts { change { state, _, _ in state.counts } }

    /// Calls back once, from any thread, maybe before this returns.
    ///
    /// - Parameters:
    ///   - timeout: Seconds to wait at most; nil waits as long as it takes.
    ///   - body: Takes the job once it has ended, or as it stands at the timeout; nil where it is unknown, or is
    ///     withdrawn or deleted meanwhile.
    package func whenFinal(
        _ id: JobID, timeout: TimeInterval? = nil, _ body: @escaping @Sendable (Job<Kind>?) -> Void
    ) {
        let waits = timeout.map { $0 > 0 } ?? true
        let token = change { state, aftermath, _ in state.wait(for: id, waits: waits, body, &aftermath) }
        if let token, let timeout { timeOut(id, token: token, after: timeout) }
    }

    private func timeOut(_ id: JobID, token: UInt64, after timeout: TimeInterval) {
        clock.schedule(timeout) { [weak self] in
            self?.change { state, aftermath, _ in state.timeOut(id, token: token, &aftermath) }
        }
    }

    /// Calls back once, from any thread, when nothing is receiving, queued or running, every event was told, and so was
    /// everybody who waited for a job. With ``drain()`` before it, the queue stays so.
    package func whenIdle(_ body: @escaping @Sendable () -> Void) {
        change { state, _, _ in state.waitUntilIdle(body) }
    }

    // MARK: Running

    private func runNext() {
        guard let (id, outcome) = work() else { return }
        // Asked for here, since it is not ours and may take its time.
        let bytes = if case .succeeded(let output) = outcome { max(output.byteCount, 0) } else { 0 }
        change { state, aftermath, now in state.finish(id, outcome, bytes: bytes, at: now, &aftermath) }
    }

    /// Has a job whose work could not be done run again after a while.
    private func postpone(_ assignment: JobQueueState<Kind>.Assignment, for seconds: TimeInterval) {
        let waits = change { state, aftermath, now in
            state.postpone(assignment.id, assignment.work, at: now, &aftermath)
        }
        guard waits else { return }
        clock.schedule(max(seconds, 0)) { [weak self] in
            self?.change { state, aftermath, _ in state.resume(assignment.id, &aftermath) }
        }
    }

    /// A function of its own: what the work holds on to is let go when it returns, before anybody is told.
    private func work() -> (JobID, JobOutcome<Kind>)? {
        let assignment = change { state, _, now in state.startNext(at: now) }
        guard let assignment else { return nil }
        let context = JobContext(id: assignment.id, cancelFlag: assignment.cancelFlag, queue: self)
        let outcome = assignment.work(context)
        guard case .again(let seconds) = outcome else { return (assignment.id, outcome) }
        postpone(assignment, for: seconds)
        return nil
    }

    // MARK: The lock

    /// Makes one change under the lock, and does what follows from it when the lock is free.
    private func change<Answer: Sendable, Failure: Error>(
        _ body: (inout JobQueueState<Kind>, inout JobAftermath<Kind>, Date) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let now = clock.now()
        var (answer, aftermath) = state.withLock { state in
            var aftermath = JobAftermath<Kind>()
            state.expire(at: now, &aftermath)
            let answer = Result { () throws(Failure) in try body(&state, &aftermath, now) }
            state.conclude(at: now, &aftermath)
            return (answer, aftermath)
        }
        perform(&aftermath)
        return try answer.get()
    }

    /// Lets go of each part when it is done with, so that nothing outlives the call that says the queue is idle.
    private func perform(_ aftermath: inout JobAftermath<Kind>) {
        aftermath.garbage = []
        if aftermath.addsOperation {
            operations.addOperation { self.runNext() }
        }
        if let seconds = aftermath.wakeAfter {
            clock.schedule(seconds) { [weak self] in
                self?.change { state, _, _ in state.woke() }
            }
        }
        if aftermath.tellsAnybody {
            for event in aftermath.events { tell(event) }
            aftermath.events = []
            for call in aftermath.calls {
                call.body(call.job)
            }
            aftermath.calls = []
            change { state, _, _ in state.delivered() }
        }
        for body in aftermath.idleCalls {
            body()
        }
    }
}
