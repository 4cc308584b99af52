package import Foundation

/// How jobs stand, and calls when that changes.
extension JobQueue {
    /// - Throws: ``JobError/unknown(_:)``.
    package func job(_ id: JobID) throws(JobError) -> Job<Kind> {
        let job = change { state, _, _ in state.table[id]?.job }
        guard let job else { throw .unknown(id) }
        return job
    }

    /// The job of a request that came with a key before; nil if there is none.
    package func job(of key: Kind.Key) -> Job<Kind>? { change { state, _, _ in state.table[key]?.job } }

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
    ///   - body: Takes the job once it has ended, or as it stands at the timeout; nil if it is unknown, or is
    ///     withdrawn or deleted meanwhile.
    package func whenFinal(
        _ id: JobID, timeout: TimeInterval? = nil, _ body: @escaping @Sendable (Job<Kind>?) -> Void
    ) {
        let waits = timeout.map { $0 > 0 } ?? true
        let token = change { state, aftermath, _ in state.wait(for: id, waits: waits, body, &aftermath) }
        if let token, let timeout { timeOut(id, token: token, after: timeout) }
    }

    /// Calls back once, from any thread, when nothing is receiving, queued or running, and all events and all calls to
    /// those that waited for a job have been made. After ``drain()`` the queue stays idle.
    package func whenIdle(_ body: @escaping @Sendable () -> Void) {
        change { state, _, _ in state.waitUntilIdle(body) }
    }
}
