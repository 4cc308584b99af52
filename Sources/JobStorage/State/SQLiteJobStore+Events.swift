import Foundation
import GRDB
package import Jobs
import Synchronization
package import WebService

/// What becomes of jobs.
extension SQLiteJobStore {
    package func handle(_ event: JobEvent<ScoreJob>) {
        switch event {
        case .ended(let job): end(job)
        case .prolonged(let job): prolong(job)
        case .expired(let id): expire(id)
        case .spoiled(let job): end(job)
        case .forgotten(let id, _): forget(id)
        }
    }

    /// Returns when the end of a job is written, since those that wait for the job are told afterwards, and the next
    /// process is to say the same of it.
    private func end(_ job: Job<ScoreJob>) {
        // A job that was never accepted has no row, and needs none.
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
            // The job ends without results that are kept.
            remove(job.id) { try row.replace($0) }
        }
    }

    private func prolong(_ job: Job<ScoreJob>) {
        guard state.withLock({ $0.recorded.contains(job.id) }) else { return }
        changes.commitLater(job.id) { database in
            try database.execute(
                sql: "UPDATE job SET expiresAt = ? WHERE id = ?",
                arguments: [job.expiresAt?.timeIntervalSinceReferenceDate, job.id.description])
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
            // A machine whose power goes may keep the removal of the files and lose the change, and rows would name
            // files that are not there. So the change is synced first.
            try? database.syncLog()
            // Files are removed also if the disk has no room for the change, since that makes some.
            for part in removed.withLock({ $0 }) { directory.remove(part, of: id) }
        }
    }

    /// Returns when the directory says what has become of jobs before.
    func awaitWrites() {
        database.awaitWrites()
    }

    /// - Throws: 507 if the disk has no room for what has become of the job, 500 if it cannot be written.
    package func settle(_ id: JobID) throws(Problem) { try changes.settle(id) }

    package var isFailing: Bool { changes.isFailing }

    func job(_ id: JobID) -> Job<ScoreJob>? {
        try? state.withLock { $0.queue }?.job(id)
    }
}
