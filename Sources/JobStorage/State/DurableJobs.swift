import Foundation
import GRDB
package import Jobs
package import Logging
import Scoring
import Synchronization
import Tensors
package import WebService

/// Keeps jobs in a state directory, so that they outlive the process.
///
/// Files are on the disk before a row names them, and rows before a client is told. So whatever rows say is there, and a file
/// without a row is what a process left that was killed in between.
package final class DurableJobs: Sendable {
    let directory: StateDirectory
    let database: JobDatabase
    let changes: Changes
    let logger: Logger
    let state = Mutex(State())

    struct State {
        weak var queue: JobQueue<ScoreJob>?
        /// The jobs that may have rows. Most never get any: what becomes of them need not be looked up.
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

    /// How a request named itself.
    package struct RequestKey: Sendable {
        package let key: String
        package let fingerprint: RequestFingerprint

        package init(key: String, fingerprint: RequestFingerprint) {
            self.key = key
            self.fingerprint = fingerprint
        }
    }

    /// - Throws: ``StateError`` where the database cannot be read.
    package init(_ directory: StateDirectory, logger: Logger) throws(StateError) {
        self.directory = directory
        self.logger = logger
        // Before there is a new one, which knows of none of them.
        if directory.lacksDatabase { try Self.putAside(directory, logger) }
        database = try JobDatabase(path: directory.databasePath)
        changes = Changes(to: database, logger)
        directory.mark()
    }

    /// Puts files aside of which no database knows.
    static func putAside(_ directory: StateDirectory, _ logger: Logger) throws(StateError) {
        let count = try directory.putAside()
        guard count > 0 else { return }
        logger.warning(
            "files of jobs that the database does not know were put aside",
            metadata: ["count": "\(count)", "path": "\(directory.path)/lost"])
    }

    /// Says whose jobs they are.
    package func attach(_ queue: JobQueue<ScoreJob>) {
        state.withLock { $0.queue = queue }
    }

    /// Writes what is still to be written, and nothing from then on: what happens to jobs while the process ends is not for the next.
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

    // MARK: The way in

    /// A job that was admitted, so that the next process knows of it if its body is cut short.
    package func begin(_ job: Job<ScoreJob>) {
        record(job.id)
        let row = JobRow(job)
        changes.commitLater(job.id) { try row.insert($0, onConflict: .ignore) }
    }

    /// A job that takes batches.
    ///
    /// - Throws: 507 where the disk is full.
    package func open(_ job: Job<ScoreJob>) throws(Problem) {
        record(job.id)
        let row = JobRow(job)
        try commit(job.id) { try row.insert($0) }
    }

    /// Writes what came in one body to files that no row names yet.
    ///
    /// - Parameters:
    ///   - part: Scored, or with what is ignored settled.
    ///   - file: A number that no other part of the job has.
    ///   - keepsCells: Whether confident learning is still to come.
    /// - Throws: 507 where the disk is full.
    package func store(_ part: JobPart, as file: Int, of job: JobID, keepsCells: Bool) throws(Problem) -> StoredPart {
        let (contents, pixels, scores): (StoredPixels, [any StableBytes], SegmentationScores?)
        switch part {
        case .stored(let part): return part
        case .waiting(let waiting):
            ((contents, pixels), scores) = (waiting.stored(keepsCells: keepsCells), nil)
        case .scored(let scored): ((contents, pixels), scores) = (scored.storedPixels, scored)
        }
        var stored = StoredPart(file: file, contents: contents, isScored: scores != nil)
        do throws(TensorError) {
            stored.pixelChecksums = try ArrayFile.write(pixels, to: directory.pixelsPath(stored, of: job))
            if let scores { stored.scoreChecksums = try write(scores, of: stored, job) }
            try directory.sync()
        } catch {
            directory.remove(stored, of: job)
            throw Problem.state(error)
        }
        return stored
    }

    func write(_ scores: SegmentationScores, of part: StoredPart, _ job: JobID) throws(TensorError) -> [Checksum] {
        try ArrayFile.write(try scores.storedScores(), to: directory.scoresPath(part, of: job))
    }

    /// Removes files that no row names.
    package func discard(_ parts: [StoredPart], of job: JobID) {
        for part in parts { directory.remove(part, of: job) }
    }

    /// A job's input is complete: from here on it is not lost.
    ///
    /// - Parameters:
    ///   - parts: Its files.
    ///   - failure: Set where it is known already that it will fail.
    /// - Throws: 507 where the disk is full.
    package func accept(
        _ job: Job<ScoreJob>, _ parts: [StoredPart], failure: Problem? = nil, key: RequestKey?
    ) throws(Problem) {
        record(job.id)
        var row = JobRow(job)
        row.job.lifecycle.enqueue(at: Date())
        row.job.failure = failure
        (row.key, row.fingerprint) = (key?.key, key?.fingerprint)
        let accepted = row
        try commit(job.id) { database in
            try accepted.save(database)
            try Self.replace(parts, of: accepted.id, database)
        }
    }

    /// A batch has come.
    ///
    /// - Parameters:
    ///   - number: Its place among the job's.
    ///   - key: Its `Idempotency-Key`.
    /// - Throws: 409 where the job was canceled or deleted meanwhile, 507 where the disk is full.
    package func add(_ part: StoredPart, _ number: Int, key: RequestKey?, to job: JobID) throws(Problem) {
        let row = PartRow(
            job: job.description, number: number, part: part, key: key?.key, fingerprint: key?.fingerprint)
        try changes.commit { database in
            // What becomes of the job is taken down in the same order: from then on it gets no more files.
            guard let owner = try JobRow.fetchOne(database, key: row.job), owner.job.status == .open
            else { throw Problem.notOpen(job) }
            try row.insert(database)
        }
    }

    /// An open job is complete.
    ///
    /// - Throws: 507 where the disk is full.
    package func finish(_ job: JobID) throws(Problem) {
        try changes.commit { database in
            guard var row = try JobRow.fetchOne(database, key: job.description), row.job.status == .open
            else { throw Problem.notOpen(job) }
            row.job.lifecycle.enqueue(at: Date())
            try row.update(database)
        }
    }

    /// Makes a change for a job that lives, and none for one that was canceled or deleted meanwhile: what becomes of jobs is taken down
    /// after it became so, and a row that came later than that would stay.
    ///
    /// - Throws: 409 for a job that has ended, 507 where the disk is full.
    func commit(_ id: JobID, _ change: (Database) throws -> Void) throws(Problem) {
        try changes.commit { database in
            guard let job = job(id), !job.status.isFinal else { throw Problem.canceled(id) }
            try change(database)
        }
    }

    /// A job is about to have a row.
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
