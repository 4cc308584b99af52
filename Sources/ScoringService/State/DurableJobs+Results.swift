import Foundation
import GRDB
import Jobs
import Logging
import Scoring
import Synchronization
import Tensors

/// What jobs have in files.
extension DurableJobs {
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
        try changes.commit { database in
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
}
