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

    private let limits: JobLimits
    private let tell: @Sendable (JobEvent<Kind>) -> Void

    /// Keeps the jobs beside the queue, and is told what becomes of them.
    package let store: any JobStore<Kind>

    /// - Parameters:
    ///   - store: Is this queue's alone.
    ///   - onEvent: Called for each event, from any thread, before the store is told, and before the change that it
    ///     came from has returned.
    package init(
        limits: JobLimits, clock: JobClock = JobClock(), store: any JobStore<Kind> = MemoryJobStore<Kind>(),
        onEvent: @escaping @Sendable (JobEvent<Kind>) -> Void = { _ in }
    ) {
        self.limits = limits
        self.clock = clock
        self.store = store
        tell = onEvent
        operations = OperationQueue()
        operations.name = "segscore.jobs"
        operations.maxConcurrentOperationCount = limits.workers
        state = Mutex(JobQueueState(limits: limits))
        store.attach(self)
    }

    package convenience init(limits: JobLimits, now: @escaping @Sendable () -> Date) {
        self.init(limits: limits, clock: JobClock(now: now))
    }

    /// Whether queued jobs stay queued. Jobs that run go on.
    package var isSuspended: Bool {
        get { operations.isSuspended }
        set { operations.isSuspended = newValue }
    }

    /// Ends the wait of a caller after a while, unless the job ends it before.
    func timeOut(_ id: JobID, token: UInt64, after timeout: TimeInterval) {
        clock.schedule(timeout) { [weak self] in
            self?.change { state, aftermath, _ in state.timeOut(id, token: token, &aftermath) }
        }
    }

    // MARK: Running

    private func runNext() {
        guard let (id, outcome) = work() else { return }
        // Asked outside of the lock, since an output's own code may take its time.
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

    /// Does the first job's work. This is a function of its own so that what the work holds is released when it
    /// returns, before anybody is told.
    private func work() -> (JobID, JobOutcome<Kind>)? {
        let assignment = change { state, _, now in state.startNext(at: now) }
        guard let assignment else { return nil }
        let context = JobContext(id: assignment.id, cancelFlag: assignment.cancelFlag, queue: self)
        let outcome = assignment.work(context)
        switch outcome {
        case .succeeded(let output): return (assignment.id, keep(output, of: assignment.id))
        case .failed, .canceled: return (assignment.id, outcome)
        case .again(let seconds):
            store.takeBackAttempt(assignment.id)
            postpone(assignment, for: seconds)
            return nil
        }
    }

    /// Has the store keep an output, unless it is dropped as soon as it is made.
    private func keep(_ output: Kind.Output, of id: JobID) -> JobOutcome<Kind> {
        guard limits.keepsOutput(of: max(output.byteCount, 0)) else { return .succeeded(output) }
        do throws(Kind.Failure) {
            return .succeeded(try store.keep(output, of: id, for: limits.timeToLive))
        } catch {
            return .failed(error)
        }
    }

    // MARK: The lock

    /// What was asked for of a job; nil if it is unknown.
    ///
    /// Unlike ``change(_:)`` this does nothing that is due meanwhile, since work asks it for each job.
    func details(of id: JobID) -> Kind.Details? {
        state.withLock { state in state.table.read(id) { $0.job.details } }
    }

    /// Makes one change under the lock, and does what follows from it when the lock is free.
    func change<Answer: Sendable, Failure: Error>(
        _ body: (inout JobQueueState<Kind>, inout JobAftermath<Kind>, Date) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let now = clock.now()
        var aftermath = JobAftermath<Kind>()
        let answer = state.withLock { state in
            state.expire(at: now, &aftermath)
            let answer = Result { () throws(Failure) in try body(&state, &aftermath, now) }
            state.conclude(at: now, &aftermath)
            return answer
        }
        perform(&aftermath)
        return try answer.get()
    }

    /// Releases each part of the aftermath as soon as it is done, so that nothing is held when the queue says that it
    /// is idle.
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
            for event in aftermath.events {
                tell(event)
                store.handle(event)
            }
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
