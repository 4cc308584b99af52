import Jobs
import JobStorage
import Synchronization
import WebService

/// The decisions on the regions of one job, which a store keeps too.
final class JobDecisions: Sendable {
    private let job: JobID
    private let store: any JobStore<ScoreJob>
    private let log = Mutex<DecisionLog?>(nil)
    /// Held while the store writes, so that decisions have one order. Who reads does not wait for a disk.
    private let writing = Mutex(())

    init(on job: JobID, in store: any JobStore<ScoreJob>) {
        (self.job, self.store) = (job, store)
    }

    /// What was decided until now.
    ///
    /// - Throws: A 500 problem if what an earlier process has left cannot be read; 503 if memory is short.
    func read() throws(Problem) -> DecisionLog {
        if let log = log.withLock({ $0 }) { return log }
        return try writing.withLock { (_) throws(Problem) in try load() }
    }

    /// Adds decisions. When this returns they are kept.
    ///
    /// - Throws: A 507 problem if the disk is full; 503 if memory is short.
    func add(_ decisions: [Decision]) throws(Problem) {
        try writing.withLock { (_) throws(Problem) in
            let count = try load().count
            let taken = try log.withLock { (log) throws(Problem) in try log?.prepare(for: decisions) ?? 0 }
            do throws(Problem) {
                try store.add(decisions, after: count, to: job)
            } catch {
                log.withLock { $0?.giveBack(taken) }
                throw error
            }
            log.withLock { log in
                for decision in decisions { log?.append(decision) }
            }
        }
    }

    private func load() throws(Problem) -> DecisionLog {
        if let log = log.withLock({ $0 }) { return log }
        var new = DecisionLog()
        let decisions = try store.remarks(on: job)
        _ = try new.prepare(for: decisions)
        for decision in decisions { new.append(decision) }
        log.withLock { $0 = new }
        return new
    }
}
