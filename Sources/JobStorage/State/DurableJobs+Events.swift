import GRDB
package import Jobs
import Synchronization
package import WebService

/// What becomes of jobs.
extension DurableJobs {
    /// Takes down what has become of a job.
    package func handle(_ event: JobEvent<ScoreJob>) {
        switch event {
        case .ended(let job): end(job)
        case .expired(let id): expire(id)
        case .spoiled(let job): end(job)
        case .forgotten(let id, _): forget(id)
        }
    }

    /// Returns when it is written: who waits for the job is told afterwards, and the next process says the same of it.
    private func end(_ job: Job<ScoreJob>) {
        // Nothing is known of one that was never accepted, and nothing need be.
        guard state.withLock({ $0.recorded.contains(job.id) }) else { return }
        let row = JobRow(job)
        defer { database.awaitWrites() }
        switch state.withLock({ $0.results.removeValue(forKey: job.id) }) {
        case .notKept?: break
        case .kept? where job.status == .succeeded:
            changes.commitLater(job.id) { database in
                var row = row
                row.hasOutput = true
                try row.replace(database) { $0.hasOutput }
            }
        case .kept?, nil:
            // Without results that are kept.
            remove(job.id) { try row.replace($0) }
        }
    }

    private func expire(_ id: JobID) {
        state.withLock { state in
            state.opened.remove(id)
            state.proved.remove(id)
        }
        remove(id) { database in
            // The row of a job whose results were kept in memory says that it is queued.
            try database.execute(
                sql: "UPDATE job SET status = ?, hasOutput = FALSE, statistics = NULL WHERE id = ?",
                arguments: [JobStatus.succeeded.rawValue, id.description])
        }
    }

    func forget(_ id: JobID) {
        remove(id, isLast: true) { _ = try JobRow.deleteOne($0, key: id.description) }
        state.withLock { state in
            state.recorded.remove(id)
            state.results[id] = nil
            state.opened.remove(id)
            state.proved.remove(id)
        }
    }

    /// Makes a change, and removes a job's parts and their files with it.
    private func remove(_ id: JobID, isLast: Bool = false, _ change: @escaping Changes.Change) {
        guard state.withLock({ $0.recorded.contains(id) }) else { return }
        let removed = Mutex<[StoredPart]>([])
        changes.commitLater(id, isLast: isLast) { database in
            let rows = PartRow.filter(Column("job") == id.description)
            let parts = try rows.fetchAll(database).map(\.part)
            removed.withLock { $0 = parts }
            try rows.deleteAll(database)
            try change(database)
        } done: { [self] in
            // A machine without power may keep the names' removal and lose the change: then rows would name what is not there.
            try? database.syncLog()
            // Also where the disk has no room for the change: this makes some.
            discard(removed.withLock { $0 }, of: id)
        }
    }

    /// Returns when the directory says what has become of jobs before.
    func awaitWrites() {
        database.awaitWrites()
    }

    /// A job begins to run: if the process does not live to see the end of it, the next one knows.
    package func attempt(_ id: JobID) {
        changes.commitLater(id) { try Self.count(1, of: id, $0) }
        // What is written outlives the process; it need not outlive the machine.
        database.awaitWrites()
    }

    /// A job that had begun to run has returned undone.
    package func takeBackAttempt(_ id: JobID) {
        changes.commitLater(id) { try Self.count(-1, of: id, $0) }
    }

    private static func count(_ change: Int, of id: JobID, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE job SET attempts = max(attempts + ?, 0) WHERE id = ?", arguments: [change, id.description])
    }

    /// Returns when the directory holds, whatever happens then, what has become of a job before.
    ///
    /// - Throws: 507 where the disk has no room for it, 500 where it cannot be written.
    package func settle(_ id: JobID) throws(Problem) { try changes.settle(id) }

    /// Whether nothing can be taken down at the moment.
    package var isFailing: Bool { changes.isFailing }

    /// Brings what the directory says of a job in line with the queue, which went another way meanwhile.
    package func reconcile(_ id: JobID) {
        guard let job = job(id) else { return forget(id) }
        if job.status.isFinal { end(job) }
    }

    func job(_ id: JobID) -> Job<ScoreJob>? {
        try? state.withLock { $0.queue }?.job(id)
    }
}
