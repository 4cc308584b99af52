import Foundation

/// The callers that wait for jobs.
extension JobQueueState {
    /// Adds a caller that waits for a job to end, or writes down its call if there is nothing to wait for.
    ///
    /// - Parameter waits: Whether to wait for a job that lives.
    /// - Returns: What ``timeOut(_:token:_:)`` takes; nil if nobody waits.
    mutating func wait(
        for id: JobID, waits: Bool, _ body: @escaping @Sendable (Job<Kind>?) -> Void,
        _ aftermath: inout JobAftermath<Kind>
    ) -> UInt64? {
        let waiter = JobWaiter<Kind>(token: nextToken + 1, body: body)
        let isWaiting = table.modify(id) { entry in
            guard waits, !entry.status.isFinal else { return false }
            entry.waiters.append(waiter)
            return true
        }
        guard isWaiting == true else {
            aftermath.calls.append((body, table[id]?.job))
            return nil
        }
        nextToken = waiter.token
        return nextToken
    }

    /// A caller has waited long enough.
    mutating func timeOut(_ id: JobID, token: UInt64, _ aftermath: inout JobAftermath<Kind>) {
        let answer = table.modify(id) { entry -> (JobWaiter<Kind>, Job<Kind>)? in
            guard let index = entry.waiters.firstIndex(where: { $0.token == token }) else { return nil }
            return (entry.waiters.remove(at: index), entry.job)
        }
        guard let answer, let (waiter, job) = answer else { return }
        aftermath.calls.append((waiter.body, job))
    }

    mutating func waitUntilIdle(_ body: @escaping @Sendable () -> Void) {
        idleWaiters.append(body)
    }
}
