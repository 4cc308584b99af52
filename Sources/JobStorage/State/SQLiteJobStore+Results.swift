import DatasetScoring
import Files
package import Foundation
import GRDB
package import Jobs
import Logging
import Memory
import Scoring
import Synchronization
package import WebService

/// What jobs have in files.
extension SQLiteJobStore {
    /// Proves that the files of parts hold what was written to them.
    ///
    /// - Throws: 500 if they do not.
    func prove(_ parts: [StoredPart], of job: JobID) throws(Problem) {
        do throws(FileError) {
            for part in parts { try check(part, of: job) }
        } catch {
            throw .reading(error)
        }
    }

    /// Does what ``prove(_:of:)`` does, and says what went wrong in the words of files.
    func check(_ part: StoredPart, of job: JobID) throws(FileError) {
        let path = directory.pixelsPath(part, of: job)
        if let checksums = part.pixelChecksums {
            try ArrayFile.check(path, part.contents.sizes, checksums)
        } else if try !ScoredPixels(part.contents, path: path).isPlausible {
            throw .damaged(path: path)
        }
        try part.pictures?.check(directory.picturesPath(part, of: job))
        guard part.isScored, let checksums = part.scoreChecksums else { return }
        let sizes = SegmentationScores.storedSizes(part.contents.shape, hasLabelIssues: checksums.count > 1)
        try ArrayFile.check(directory.scoresPath(part, of: job), sizes, checksums)
    }

    /// The pixels or scores of a part, as they lie there.
    func read(
        _ part: StoredPart, of job: JobID, statistics: LabelIssues.Statistics? = nil
    ) throws(FileError) -> JobPart.Images {
        let path = directory.pixelsPath(part, of: job)
        guard part.isScored else { return .waiting(try ScoredPixels(part.contents, path: path)) }
        let scoresPath = directory.scoresPath(part, of: job)
        return .scored(
            try SegmentationScores(part.contents, path: path, scoresPath: scoresPath, statistics: statistics))
    }

    /// The pictures of a part, as they lie there; nil if it has none.
    func pictures(of part: StoredPart, _ job: JobID) -> KeptPictures? {
        part.pictures?.kept(at: directory.picturesPath(part, of: job))
    }

    // MARK: Results

    /// Results in files, which are opened, and proved to be what was written, when somebody asks for them.
    func results(_ parts: [StoredPart], of id: JobID, _ statistics: LabelIssues.Statistics?) -> JobResults {
        JobResults(parts, pictures: parts.map { pictures(of: $0, id) }, statistics) { [self] () throws(Problem) in
            try open(parts, of: id, statistics)
        }
    }

    private func open(
        _ parts: [StoredPart], of id: JobID, _ statistics: LabelIssues.Statistics?
    ) throws(Problem) -> DatasetScores {
        let (found, isProved) = state.withLock { ($0.opened.find(id), $0.proved.contains(id)) }
        if let found { return found }
        var scores: [SegmentationScores] = []
        do throws(FileError) {
            for part in parts {
                if !isProved { try check(part, of: id) }
                guard case .scored(let scored) = try read(part, of: id, statistics: statistics) else {
                    throw .damaged(path: directory.scoresPath(part, of: id))
                }
                scores.append(scored)
            }
        } catch {
            throw spoil(id, error)
        }
        let opened = DatasetScores(scores)
        state.withLock { state in
            // The job was forgotten meanwhile, and nobody asks for it again.
            guard state.recorded.contains(id) else { return }
            state.proved.insert(id)
            state.opened.add(id, parts, opened)
        }
        return opened
    }

    /// - Throws: 500 if some are not what was written.
    package func proveOutputs() throws(Problem) {
        var problem: Problem?
        for (id, parts) in state.withLock({ $0.opened.all }) {
            do throws(FileError) {
                for part in parts { try check(part, of: id) }
            } catch {
                problem = spoil(id, error)
            }
        }
        if let problem { throw problem }
    }

    /// Has a job fail whose results are not what was written.
    ///
    /// - Returns: What a client that asked for them is told.
    private func spoil(_ id: JobID, _ error: FileError) -> Problem {
        let problem = Problem.reading(error)
        // If memory or descriptors are short, the results may be read the next time.
        guard problem.isOfLostState else { return problem }
        state.withLock { state in
            state.opened.remove(id)
            state.proved.remove(id)
        }
        if state.withLock({ $0.queue })?.spoil(id, problem) ?? false {
            logger.error(
                "the results of a job are not what was written",
                metadata: ["job": "\(id)", "problem.detail": "\(problem.detail)"])
        }
        return problem
    }

    /// - Returns: The same scores in files. If an accepted job finds no room they are as they came: in memory, and the
    ///   next process makes them again.
    /// - Throws: 507 if the disk is full and the job was not accepted.
    package func keep(
        _ results: JobResults, of id: JobID, for seconds: TimeInterval
    ) throws(Problem) -> JobResults {
        guard let job = job(id) else { return results }
        let scores = try results.opened()
        // There is one for each part of the scores, or none if the job was not accepted, since its client waits.
        let parts = job.parts.compactMap(\.stored)
        var stored: [StoredPart] = []
        do throws(Problem) {
            for (index, scores) in scores.parts.enumerated() {
                let pictures = results.pictures.isEmpty ? nil : results.pictures[index]
                stored.append(try keep(scores, pictures, of: id, as: index, parts.isEmpty ? nil : parts[index]))
            }
            try commit(job, scores, stored, until: Date() + seconds)
        } catch {
            let isDeleted = self.job(id) == nil
            guard !parts.isEmpty else {
                // What was written has no row, and will have none.
                for part in stored { directory.remove(part, of: id) }
                guard isDeleted else { throw error }
                return results
            }
            // The input has rows, and goes when the disk holds that these are gone.
            for part in parts where !part.isScored { directory.removeScores(part, of: id) }
            guard !isDeleted else { return results }
            logger.error(
                "results are kept in memory", metadata: ["job": "\(id)", "problem.detail": "\(error.detail)"])
            state.withLock { $0.results[id] = .notKept }
            return results
        }
        for part in stored {
            // If the file stays as long as it was, it only takes more room.
            try? ArrayFile.truncate(directory.pixelsPath(part, of: id), to: part.contents.byteCount)
        }
        state.withLock { state in
            state.results[id] = .kept
            // What this process has written need not be proved.
            state.proved.insert(id)
        }
        // It may have been deleted just after there was a row: then nothing of it is kept in mind.
        if self.job(id) == nil { forget(id) }
        return self.results(stored, of: id, scores.statistics)
    }

    /// Takes down the results of a job that is about to end, as of now: when it has ended, ``end(_:)`` makes that
    /// exact.
    private func commit(
        _ job: Job<ScoreJob>, _ scores: DatasetScores, _ parts: [StoredPart], until expiresAt: Date
    ) throws(Problem) {
        record(job.id)
        var row = JobRow(job)
        row.job.lifecycle.finish(.succeeded, at: Date())
        row.job.expiresAt = expiresAt
        row.job.progress = JobProgress(imagesDone: scores.imageCount, imagesTotal: scores.imageCount)
        (row.statistics, row.hasOutput) = (scores.statistics, true)
        let made = row
        try commit(job.id) { database in
            try made.save(database)
            try Self.replace(parts, of: made.id, database)
        }
    }

    private func keep(
        _ scores: SegmentationScores, _ pictures: KeptPictures?, of job: JobID, as index: Int, _ part: StoredPart?
    ) throws(Problem) -> StoredPart {
        guard let part else {
            guard let part = try write(JobPart(.scored(scores), pictures: pictures), as: index, of: job).stored else {
                preconditionFailure("a part that was written is in files")
            }
            return part
        }
        guard !part.isScored else { return part }
        do throws(FileError) {
            let checksums = try write(scores, of: part, job)
            try directory.sync()
            return part.scored(checksums)
        } catch {
            throw Problem.state(error)
        }
    }
}
