import Foundation
import GRDB
package import Jobs
package import Logging
import Memory
import Scoring
import Synchronization
import WebService

/// Keeps jobs in a state directory, so that they outlive the process: what there is in SQLite, arrays in files beside
/// it.
///
/// Files are on the disk before a row names them, and rows before a client is told. So whatever rows say is there, and
/// a file without a row was left by a process that was killed between the two.
package final class SQLiteJobStore: JobStore {
    let directory: StateDirectory
    let database: JobDatabase
    let changes: Changes
    let logger: Logger
    let state = Mutex(State())

    struct State {
        weak var queue: JobQueue<ScoreJob>?
        /// The jobs that may have rows. Most jobs never get one, and what becomes of them need not be looked up.
        var recorded: Set<JobID> = []
        /// What became of the results of jobs that are about to end.
        var results: [JobID: Results] = [:]
        /// Results in files that have been proved to be what was written.
        var proved: Set<JobID> = []
        var opened = OpenedResults()
    }

    enum Results {
        case kept
        /// The disk had no room; the job's input stays, and the next process scores it again.
        case notKept
    }

    /// - Throws: ``StateError`` if the database cannot be read.
    package init(_ directory: StateDirectory, logger: Logger) throws(StateError) {
        self.directory = directory
        self.logger = logger
        // This comes before a new database is made, which knows of none of the files.
        if directory.lacksDatabase { try Self.putAside(directory, logger) }
        database = try JobDatabase(path: directory.databasePath)
        changes = Changes(to: database, logger)
        directory.mark()
    }

    /// Puts files aside that no database knows.
    static func putAside(_ directory: StateDirectory, _ logger: Logger) throws(StateError) {
        let count = try directory.putAside()
        guard count > 0 else { return }
        logger.warning(
            "files of jobs that the database does not know were put aside",
            metadata: ["count": "\(count)", "path": "\(directory.path)/lost"])
    }

    package let outlivesProcess = true

    package func attach(_ queue: JobQueue<ScoreJob>) {
        state.withLock { $0.queue = queue }
    }

    package func close() {
        // The process ends as it should: no job has brought it down.
        changes.forgetAttempts()
        changes.close()
        do {
            try database.flush()
        } catch {
            logger.warning("the state directory was not tidied up", metadata: ["error": "\(error)"])
        }
    }

    /// Makes a change for a job that lives. It makes none for a job that was canceled or deleted meanwhile: the store
    /// is told of the end of a job after it has ended, so a row that came later than that would stay.
    ///
    /// - Throws: 409 for a job that has ended, 507 if the disk is full.
    func commit(_ id: JobID, _ change: (Database) throws -> Void) throws(Problem) {
        try changes.commit { database in
            guard let job = job(id), !job.status.isFinal else { throw Problem.canceled(id) }
            try change(database)
        }
    }

    /// Says that a job is about to have a row.
    func record(_ id: JobID) {
        state.withLock { _ = $0.recorded.insert(id) }
    }

    // MARK: Rows

    static func replace(_ parts: [StoredPart], of job: String, _ database: Database) throws {
        try PartRow.filter(Column("job") == job).deleteAll(database)
        for (number, part) in parts.enumerated() {
            try PartRow(job: job, number: number, part: part, key: nil).insert(database)
        }
    }
}
