import Dispatch
import Foundation
import GRDB
import Jobs
package import Logging
import Scoring
import Synchronization
import Tensors

/// Keeps jobs in a state directory, so that they outlive the process.
///
/// Files are on the disk before a row names them, and rows before a client is told. So whatever rows say is there, and a file
/// without a row is what a process left that was killed in between.
package final class DurableJobs: Sendable {
    private let directory: StateDirectory
    private let database: JobDatabase
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        weak var queue: JobQueue<ScoreJob>?
        /// The jobs that may have rows. Most never get any: what becomes of them need not be looked up.
        var recorded: Set<JobID> = []
        /// What became of the results of jobs that are about to end.
        var results: [JobID: Results] = [:]
        /// Changes for which the disk had no room; they are made when it has.
        var unsettled: [@Sendable (Database) throws -> Void] = []
        var isClosed = false
    }

    private enum Results {
        case kept
        /// The disk had no room; the job's input stays, and the next process scores it again.
        case notKept
    }

    /// How a request named itself.
    struct RequestKey: Sendable {
        let key: String
        let fingerprint: RequestFingerprint
    }

    /// - Throws: ``StateError`` where the database cannot be read.
    package init(_ directory: StateDirectory, logger: Logger) throws(StateError) {
        self.directory = directory
        self.logger = logger
        database = try JobDatabase(path: directory.databasePath)
    }

    /// Says whose jobs they are.
    func attach(_ queue: JobQueue<ScoreJob>) {
        state.withLock { $0.queue = queue }
    }

    /// Writes what is still to be written, and nothing from then on: what happens to jobs while the process ends is not for the next.
    package func close() {
        state.withLock { $0.isClosed = true }
        do {
            try database.flush()
        } catch {
            logger.warning("the state directory was not tidied up", metadata: ["error": "\(error)"])
        }
    }

    // MARK: The way in

    /// A job that was admitted, so that the next process knows of it if its body is cut short.
    func begin(_ job: Job<ScoreJob>) {
        record(job.id)
        let row = JobRow(job)
        commitLater { try row.insert($0) }
    }

    /// A job that takes batches.
    ///
    /// - Throws: 507 where the disk is full.
    func open(_ job: Job<ScoreJob>) throws(Problem) {
        record(job.id)
        let row = JobRow(job)
        try commit { try row.insert($0) }
    }

    /// Writes what came in one body to files that no row names yet.
    ///
    /// - Parameters:
    ///   - part: Scored, or with what is ignored settled.
    ///   - file: A number that no other part of the job has.
    ///   - keepsCells: Whether confident learning is still to come.
    /// - Throws: 507 where the disk is full.
    func store(_ part: JobPart, as file: Int, of job: JobID, keepsCells: Bool) throws(Problem) -> StoredPart {
        let (contents, pixels, scores): (StoredPixels, [any StableBytes], SegmentationScores?)
        switch part {
        case .stored(let part): return part
        case .waiting(let waiting):
            ((contents, pixels), scores) = (waiting.stored(keepsCells: keepsCells), nil)
        case .scored(let scored): ((contents, pixels), scores) = (scored.storedPixels, scored)
        }
        let stored = StoredPart(file: file, contents: contents, isScored: scores != nil)
        do throws(TensorError) {
            try ArrayFile.write(pixels, to: directory.pixelsPath(stored, of: job))
            if let scores { try write(scores, of: stored, job) }
            try directory.sync()
        } catch {
            directory.remove(stored, of: job)
            throw Problem.state(error)
        }
        return stored
    }

    private func write(_ scores: SegmentationScores, of part: StoredPart, _ job: JobID) throws(TensorError) {
        try ArrayFile.write(try scores.storedScores(), to: directory.scoresPath(part, of: job))
    }

    /// Removes files that no row names.
    func discard(_ parts: [StoredPart], of job: JobID) {
        for part in parts { directory.remove(part, of: job) }
    }

    /// A job's input is complete: from here on it is not lost.
    ///
    /// - Parameters:
    ///   - parts: Its files.
    ///   - failure: Set where it is known already that it will fail.
    /// - Throws: 507 where the disk is full.
    func accept(
        _ job: Job<ScoreJob>, _ parts: [StoredPart], failure: Problem? = nil, key: RequestKey?
    ) throws(Problem) {
        record(job.id)
        var row = JobRow(job)
        row.status = JobStatus.queued.rawValue
        row.failure = failure.map(StoredProblem.init)
        (row.key, row.fingerprint) = (key?.key, key?.fingerprint)
        let accepted = row
        try commit { database in
            try accepted.save(database)
            try Self.replace(parts, of: accepted.id, database)
        }
    }

    /// A batch has come.
    ///
    /// - Parameters:
    ///   - number: Its place among the job's.
    ///   - key: Its `Idempotency-Key`.
    /// - Throws: 507 where the disk is full.
    func add(_ part: StoredPart, _ number: Int, key: String?, to job: JobID) throws(Problem) {
        let row = PartRow(job: job.description, number: number, part: part, key: key)
        try commit { try row.insert($0) }
    }

    /// An open job is complete.
    ///
    /// - Throws: 507 where the disk is full.
    func finish(_ job: JobID) throws(Problem) {
        try commit { database in
            guard var row = try JobRow.fetchOne(database, key: job.description) else { return }
            row.status = JobStatus.queued.rawValue
            try row.update(database)
        }
    }

    // MARK: The way out

    /// The pixels or scores of a part.
    ///
    /// - Throws: 500 where files are not what was written.
    func load(
        _ part: StoredPart, of job: JobID, statistics: LabelIssues.Statistics? = nil
    ) throws(Problem) -> JobPart {
        do throws(TensorError) {
            return try read(part, of: job, statistics: statistics)
        } catch {
            if case .endOfFile = error { throw .stateLost(Problem(error).detail) }
            throw Problem(error)
        }
    }

    /// What ``load(_:of:statistics:)`` does, with what went wrong in the words of files.
    func read(
        _ part: StoredPart, of job: JobID, statistics: LabelIssues.Statistics? = nil
    ) throws(TensorError) -> JobPart {
        let path = directory.pixelsPath(part, of: job)
        guard part.isScored else { return .waiting(try ScoredPixels(part.contents, path: path)) }
        let scoresPath = directory.scoresPath(part, of: job)
        return .scored(
            try SegmentationScores(part.contents, path: path, scoresPath: scoresPath, statistics: statistics))
    }

    /// Keeps what a job has made.
    ///
    /// - Parameters:
    ///   - timeToLive: How long, in seconds.
    ///   - parts: The files of the job's input, one a part; nil for a job that was not accepted and has none.
    /// - Returns: The same scores, in files; as they came where an accepted job finds no room: these are kept in memory,
    ///   and the next process makes them again.
    /// - Throws: 507 where the disk is full and the job was not accepted.
    func keep(
        _ scores: DatasetScores, of id: JobID, for timeToLive: TimeInterval, parts: [StoredPart]?, key: RequestKey?
    ) throws(Problem) -> DatasetScores {
        // Deleted meanwhile: nobody will ask.
        guard let job = job(id) else { return scores }
        var stored: [StoredPart] = []
        let kept: DatasetScores
        do throws(Problem) {
            for (index, scores) in scores.parts.enumerated() {
                stored.append(try keep(scores, of: id, as: index, parts?[index]))
            }
            kept = DatasetScores(
                try stored.map { (part) throws(Problem) in
                    guard case .scored(let scores) = try load(part, of: id, statistics: scores.statistics) else {
                        preconditionFailure("it was stored as scored")
                    }
                    return scores
                })
            try commit(job, kept, stored, until: Date() + timeToLive, key)
        } catch {
            guard let parts else {
                discard(stored, of: id)
                throw error
            }
            for part in parts where !part.isScored { directory.removeScores(part, of: id) }
            logger.error(
                "results are kept in memory", metadata: ["job": "\(id)", "problem.detail": "\(error.detail)"])
            state.withLock { $0.results[id] = .notKept }
            return scores
        }
        for part in stored {
            // Where it stays as long as it was, it only takes more room.
            try? ArrayFile.truncate(directory.pixelsPath(part, of: id), to: part.contents.byteCount)
        }
        state.withLock { $0.results[id] = .kept }
        // It may have been deleted before there was a row.
        if self.job(id) == nil { forget(id) }
        return kept
    }

    /// Takes down the results of a job that is about to end, as of now: when it has ended, ``end(_:)`` makes that exact.
    private func commit(
        _ job: Job<ScoreJob>, _ scores: DatasetScores, _ parts: [StoredPart], until expiresAt: Date, _ key: RequestKey?
    ) throws(Problem) {
        record(job.id)
        var row = JobRow(job)
        row.status = JobStatus.succeeded.rawValue
        row.finishedAt = Date().timeIntervalSinceReferenceDate
        row.expiresAt = expiresAt.timeIntervalSinceReferenceDate
        (row.imagesDone, row.imagesTotal) = (scores.imageCount, scores.imageCount)
        (row.statistics, row.hasOutput) = (scores.statistics, true)
        (row.key, row.fingerprint) = (key?.key, key?.fingerprint)
        let made = row
        try commit { database in
            try made.keepingKey(database).save(database)
            try Self.replace(parts, of: made.id, database)
        }
    }

    private func keep(
        _ scores: SegmentationScores, of job: JobID, as index: Int, _ part: StoredPart?
    ) throws(Problem) -> StoredPart {
        guard var part else { return try store(.scored(scores), as: index, of: job, keepsCells: false) }
        guard !part.isScored else { return part }
        do throws(TensorError) {
            try write(scores, of: part, job)
            try directory.sync()
        } catch {
            throw Problem.state(error)
        }
        part.isScored = true
        part.contents = part.contents.withoutCells
        return part
    }

    /// Takes down what has become of a job.
    func handle(_ event: JobEvent<ScoreJob>) {
        switch event {
        case .ended(let job): end(job)
        case .expired(let id): expire(id)
        case .forgotten(let id): forget(id)
        }
    }

    private func end(_ job: Job<ScoreJob>) {
        let row = JobRow(job)
        switch state.withLock({ $0.results.removeValue(forKey: job.id) }) {
        case .notKept?: break
        case .kept? where job.status == .succeeded:
            commitLater { database in
                var row = row
                row.hasOutput = true
                try row.replace(database) { $0.hasOutput }
            }
        case .kept?, nil:
            // Without results that are kept. A job that was never accepted has no row, and gets none.
            remove(job.id) { try row.replace($0) }
        }
    }

    private func expire(_ id: JobID) {
        remove(id) { database in
            guard var row = try JobRow.fetchOne(database, key: id.description) else { return }
            // The row of a job whose results were kept in memory says that it is queued.
            row.status = JobStatus.succeeded.rawValue
            (row.hasOutput, row.statistics) = (false, nil)
            try row.update(database)
        }
    }

    private func forget(_ id: JobID) {
        remove(id) { _ = try JobRow.deleteOne($0, key: id.description) }
        state.withLock { state in
            state.recorded.remove(id)
            state.results[id] = nil
        }
    }

    /// Makes a change, and removes a job's parts and their files with it.
    private func remove(_ id: JobID, _ change: @escaping @Sendable (Database) throws -> Void) {
        guard state.withLock({ $0.recorded.contains(id) }) else { return }
        let removed = Mutex<[StoredPart]>([])
        commitLater { database in
            let rows = PartRow.filter(Column("job") == id.description)
            let parts = try rows.fetchAll(database).map(\.part)
            removed.withLock { $0 = parts }
            try rows.deleteAll(database)
            try change(database)
        } done: { [self] in
            // Also where the disk has no room for the change: this makes some.
            discard(removed.withLock { $0 }, of: id)
        }
    }

    /// Returns when the directory says what has become of jobs before.
    func awaitWrites() {
        database.awaitWrites()
    }

    /// Brings what the directory says of a job in line with the queue, which went another way meanwhile.
    func reconcile(_ id: JobID) {
        guard let job = job(id) else { return forget(id) }
        if job.status.isFinal { end(job) }
    }

    private func job(_ id: JobID) -> Job<ScoreJob>? {
        try? state.withLock { $0.queue }?.job(id)
    }

    /// A job is about to have a row.
    func record(_ id: JobID) {
        state.withLock { _ = $0.recorded.insert(id) }
    }

    // MARK: Restoring

    func rows() throws(StateError) -> [(row: JobRow, parts: [PartRow])] {
        do {
            return try database.jobs()
        } catch {
            throw .failed("Cannot read \(directory.databasePath): \(error).")
        }
    }

    /// The files that a part has.
    func paths(_ part: StoredPart, of job: JobID) -> [String] {
        let pixels = directory.pixelsPath(part, of: job)
        return part.isScored ? [pixels, directory.scoresPath(part, of: job)] : [pixels]
    }

    /// Takes down jobs that have ended, and that they have no parts any more.
    func settle(_ jobs: [Job<ScoreJob>]) throws(StateError) {
        guard !jobs.isEmpty else { return }
        do {
            try database.commit { database in
                for job in jobs {
                    try JobRow(job).update(database)
                    try Self.replace([], of: job.id.description, database)
                }
            }
        } catch {
            throw .failed("Cannot write to \(directory.databasePath): \(error).")
        }
    }

    func removeFiles(except paths: Set<String>) {
        let count = directory.removeFiles(except: paths)
        if count > 0 { logger.info("files of no job were removed", metadata: ["count": "\(count)"]) }
    }

    func report(_ detail: String, _ job: JobID) {
        logger.error("what a job had is gone", metadata: ["job": "\(job)", "problem.detail": "\(detail)"])
    }

    // MARK: Rows

    private static func replace(_ parts: [StoredPart], of job: String, _ database: Database) throws {
        try PartRow.filter(Column("job") == job).deleteAll(database)
        for (number, part) in parts.enumerated() {
            try PartRow(job: job, number: number, part: part, key: nil).insert(database)
        }
    }

    private func commit(_ change: (Database) throws -> Void) throws(Problem) {
        do {
            try database.commit(change)
        } catch {
            throw .state(error)
        }
        settle()
    }

    /// - Parameters:
    ///   - done: Called whether the change was made or has to wait for room.
    private func commitLater(
        _ change: @escaping @Sendable (Database) throws -> Void, done: @escaping @Sendable () -> Void = {}
    ) {
        commitLater(change) { [self] error in
            done()
            guard let error else { return settle() }
            logger.error("the state directory could not be changed", metadata: ["error": "\(error)"])
            postpone(change)
        }
    }

    private func commitLater(
        _ change: @escaping @Sendable (Database) throws -> Void, ended: @escaping @Sendable ((any Error)?) -> Void
    ) {
        guard !state.withLock({ $0.isClosed }) else { return }
        database.commitLater(change, ended: ended)
    }

    /// Keeps a change for later: until the next that finds room, but for a second at most.
    private func postpone(_ change: @escaping @Sendable (Database) throws -> Void) {
        let isFirst = state.withLock { state in
            state.unsettled.append(change)
            return state.unsettled.count == 1
        }
        if isFirst { DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in self?.settle() } }
    }

    /// Makes the changes for which there was no room before.
    private func settle() {
        let changes = state.withLock { state in
            defer { state.unsettled = [] }
            return state.unsettled
        }
        for change in changes {
            commitLater(change) { [self] error in
                if error != nil { postpone(change) }
            }
        }
    }
}
