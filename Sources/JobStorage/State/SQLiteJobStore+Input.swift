import DatasetScoring
import Files
import Foundation
import GRDB
package import Jobs
import Memory
import Scoring
package import WebService

/// The way into a state directory.
extension SQLiteJobStore {
    package func begin(_ job: Job<ScoreJob>) {
        record(job.id)
        let row = JobRow(job)
        changes.commitLater(job.id) { try row.insert($0, onConflict: .ignore) }
    }

    /// - Throws: 507 if the disk is full.
    package func open(_ job: Job<ScoreJob>) throws(Problem) {
        record(job.id)
        let row = JobRow(job)
        try commit(job.id) { try row.insert($0) }
    }

    // MARK: Parts

    /// Writes a part to files that no row names yet.
    ///
    /// - Parameters:
    ///   - part: Scored, or with what is ignored settled.
    /// - Throws: 507 if the disk is full.
    package func write(_ part: JobPart, as file: Int, of job: JobID) throws(Problem) -> JobPart {
        let (contents, pixels, scores): (StoredPixels, [any StableBytes], SegmentationScores?)
        switch part.images {
        case .stored: return part
        case .waiting(let waiting):
            ((contents, pixels), scores) = (waiting.stored, nil)
        case .scored(let scored): ((contents, pixels), scores) = (scored.storedPixels, scored)
        }
        var stored = StoredPart(file: file, contents: contents, isScored: scores != nil)
        stored.notes = part.notes == InputNotes() ? nil : part.notes
        do throws(FileError) {
            stored.pixelChecksums = try ArrayFile.write(pixels, to: directory.pixelsPath(stored, of: job))
            if let scores { stored.scoreChecksums = try write(scores, of: stored, job) }
            if let pictures = part.pictures {
                stored.pictures = try StoredPictures(pictures, to: directory.picturesPath(stored, of: job))
            }
            try directory.sync()
        } catch {
            directory.remove(stored, of: job)
            throw Problem.state(error)
        }
        var written = part
        written.images = .stored(stored)
        written.pictures = pictures(of: stored, job)
        return written
    }

    func write(_ scores: SegmentationScores, of part: StoredPart, _ job: JobID) throws(FileError) -> [Checksum] {
        let arrays = try FileError.wrapping { () throws(MemoryError) in try scores.storedScores() }
        return try ArrayFile.write(arrays, to: directory.scoresPath(part, of: job))
    }

    package func discard(_ part: JobPart, of job: JobID) {
        if let stored = part.stored { directory.remove(stored, of: job) }
    }

    /// - Throws: 409 if the job was canceled or deleted meanwhile, 507 if the disk is full.
    package func add(_ part: JobPart, as number: Int, to job: JobID) throws(Problem) {
        guard let stored = part.stored else { preconditionFailure("a part is written before it is added") }
        let row = PartRow(
            job: job.description, number: number, part: stored, key: part.key, fingerprint: part.fingerprint)
        try changes.commit { database in
            // What becomes of the job is taken down in the same order: from then on the job gets no more files.
            guard let owner = try JobRow.fetchOne(database, key: row.job), owner.job.status == .open
            else { throw Problem.notOpen(job) }
            try row.insert(database)
        }
    }

    /// - Throws: 409 if the job was canceled or deleted meanwhile, 507 if the disk is full.
    package func finish(_ job: JobID) throws(Problem) {
        try changes.commit { database in
            guard var row = try JobRow.fetchOne(database, key: job.description), row.job.status == .open
            else { throw Problem.notOpen(job) }
            row.job.lifecycle.enqueue(at: Date())
            try row.update(database)
        }
    }

    // MARK: Whole jobs

    /// Puts all that a job needs on the disk. What is wrong with the arrays is for the job to say, in the next process
    /// too.
    ///
    /// - Throws: 409 if the job was canceled or deleted meanwhile, 507 if the disk is full.
    package func accept(
        _ job: JobID, _ input: JobInput<ScoreJob>, _ fingerprint: RequestFingerprint?
    ) throws(Problem) -> JobInput<ScoreJob> {
        let parts: [JobPart]
        do throws(Problem) {
            parts = try settledParts(of: job, input)
        } catch {
            try commit(job, [], failure: error, fingerprint)
            return .refused(error)
        }
        var written: [JobPart] = []
        do throws(Problem) {
            for (file, part) in parts.enumerated() { written.append(try write(part, as: file, of: job)) }
            try commit(job, written.compactMap(\.stored), failure: nil, fingerprint)
        } catch {
            for part in written { discard(part, of: job) }
            throw error
        }
        return .kept(written)
    }

    private func settledParts(of id: JobID, _ input: JobInput<ScoreJob>) throws(Problem) -> [JobPart] {
        var parts: [JobPart]
        switch input {
        case .kept(let kept): return kept
        case .refused(let failure): throw failure
        case .arrived(let make):
            guard let made = try make({ false }) else { throw .canceled(id) }
            parts = made
        }
        let ignoredLabel = job(id)?.details.parameters.labels.ignoredLabel
        do throws(ScoringError) {
            for index in parts.indices {
                guard case .waiting(var pixels) = parts[index].images else { continue }
                try pixels.settle(ignoredLabel: ignoredLabel)
                parts[index].images = .waiting(pixels)
            }
        } catch {
            throw Problem(error)
        }
        return parts
    }

    /// Takes down that a job waits for a worker.
    ///
    /// - Parameters:
    ///   - failure: Set if it is known already that the job will fail.
    private func commit(
        _ id: JobID, _ parts: [StoredPart], failure: Problem?, _ fingerprint: RequestFingerprint?
    ) throws(Problem) {
        guard let job = job(id) else { throw .canceled(id) }
        record(id)
        var row = JobRow(job)
        row.job.lifecycle.enqueue(at: Date())
        (row.job.failure, row.job.fingerprint) = (failure, fingerprint)
        let accepted = row
        try commit(id) { database in
            try accepted.save(database)
            try Self.replace(parts, of: accepted.id, database)
        }
    }
}
