import DatasetScoring
import Files
import Foundation
import Glibc
import GRDB
package import Jobs
import Logging
import Memory
import Scoring
import Synchronization
import WebService

extension SQLiteJobStore {
    /// Reads what the process before has left, and settles what it left unsettled: jobs whose body was cut short have
    /// failed, and files that belong to no job are removed.
    ///
    /// - Parameters:
    ///   - attemptLimit: How many processes may end while they run a job before it is set aside; 0 for any number.
    /// - Throws: ``StateError`` if the directory holds what cannot be understood; it is left as it is then.
    package func restore(attemptLimit: Int = 3) throws(StateError) -> [RestoredJob<ScoreJob>] {
        var restored: [RestoredJob<ScoreJob>] = []
        var files = Set<String>()
        var changed: [Job<ScoreJob>] = []
        var unproved = Self.provedAtStart
        for (row, partRows) in try rows() {
            var left = RestoredJob(row.job)
            let id = row.job.id
            let parts = partRows.map(\.part)
            do throws(Loss) {
                switch row.job.status {
                case .receiving: throw .upload
                case .open:
                    for part in parts { _ = try find(part, of: id) }
                    left.parts = partRows.map { jobPart($0, of: id) }
                case .queued, .running:
                    if attemptLimit > 0, row.attempts >= attemptLimit { throw .attempts(row.attempts) }
                    for part in parts { _ = try find(part, of: id) }
                    (left.parts, left.failure) = (partRows.map { jobPart($0, of: id) }, row.job.failure)
                    left.isSuspect = row.attempts > 0
                    left.job.become(.receiving)
                case .succeeded where row.hasOutput:
                    left.job.output = .available(try results(parts, of: id, row.statistics, &unproved))
                case .succeeded, .failed, .canceled:
                    // A batch may have come when the job had just been canceled.
                    guard parts.isEmpty else { throw .end }
                }
                files.formUnion(parts.flatMap { paths($0, of: id) })
            } catch {
                switch error {
                case .end: break
                case .attempts(let count):
                    report("The server ended \(count) times while it ran the job.", id)
                    left.job.become(.failed, .setAside(after: count))
                case .upload: left.job.become(.failed, .uploadInterrupted)
                case .file(let detail):
                    report(detail, id)
                    // A job that has succeeded has done so, whatever became of its results since.
                    if row.job.status != .succeeded { left.job.become(.failed, .stateLost(detail)) }
                case .damage(let detail):
                    report(detail, id)
                    left.job.become(.failed, .stateLost(detail))
                case .nothing(let detail): throw .failed("The job \(id) cannot be read: \(detail)")
                }
                // Its request may come again, and make another job.
                (left.job.key, left.job.fingerprint) = (nil, nil)
                changed.append(left.job)
            }
            record(id)
            restored.append(left)
        }
        try settle(changed)
        if restored.isEmpty {
            // The database was perhaps emptied or exchanged, and the files may be all that is left of jobs.
            try Self.putAside(directory, logger)
        } else {
            removeFiles(except: files)
        }
        return restored
    }

    package func rows() throws(StateError) -> [(row: JobRow, parts: [PartRow])] {
        do {
            return try database.jobs()
        } catch let error as StateError {
            throw error
        } catch {
            throw .failed("Cannot read \(directory.databasePath): \(error).")
        }
    }

    /// The files that a part has.
    private func paths(_ part: StoredPart, of job: JobID) -> [String] {
        let pixels = directory.pixelsPath(part, of: job)
        return [pixels] + (part.isScored ? [directory.scoresPath(part, of: job)] : [])
            + (part.pictures == nil ? [] : [directory.picturesPath(part, of: job)])
    }

    private func jobPart(_ row: PartRow, of job: JobID) -> JobPart {
        var part = row.jobPart
        part.pictures = pictures(of: row.part, job)
        return part
    }

    /// Takes down jobs that have ended, and that they have no parts any more.
    private func settle(_ jobs: [Job<ScoreJob>]) throws(StateError) {
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

    private func removeFiles(except paths: Set<String>) {
        let count = directory.removeFiles(except: paths)
        if count > 0 { logger.info("files of no job were removed", metadata: ["count": "\(count)"]) }
    }

    private func report(_ detail: String, _ job: JobID) {
        logger.error("what a job had is gone", metadata: ["job": "\(job)", "problem.detail": "\(detail)"])
    }

    /// What is the matter with a job that the process before has left.
    private enum Loss: Error {
        /// It has ended, and the parts that it has are of no use.
        case end
        /// Its body was cut short.
        case upload
        /// As many processes as that have not survived it.
        case attempts(Int)
        /// A file of it is not there.
        case file(String)
        /// A file of it is not what was written.
        case damage(String)
        /// Nothing that can be told: it cannot be read at the moment.
        case nothing(String)
    }

    /// A part as it is in its files, all of which are there.
    private func find(
        _ part: StoredPart, of job: JobID, _ statistics: LabelIssues.Statistics? = nil, proves: Bool = false
    ) throws(Loss) -> JobPart.Images {
        do throws(FileError) {
            if proves { try check(part, of: job) }
            try part.pictures?.find(directory.picturesPath(part, of: job))
            return try read(part, of: job, statistics: statistics)
        } catch {
            let detail = Problem(error).detail
            switch error {
            case .system(_, _, ENOENT): throw .file(detail)
            case .endOfFile, .damaged, .system(_, _, EIO): throw .damage(detail)
            default: throw .nothing(detail)
            }
        }
    }

    /// How many bytes of results are proved to be what was written before the server listens. The rest is proved when
    /// somebody asks for it, since a start must not take as long as reading a whole disk does.
    private static let provedAtStart = 1 << 30

    /// The results of a job's parts.
    ///
    /// - Parameters:
    ///   - unproved: How many bytes may still be proved.
    private func results(
        _ parts: [StoredPart], of job: JobID, _ statistics: LabelIssues.Statistics?, _ unproved: inout Int
    ) throws(Loss) -> JobResults {
        let results = results(parts, of: job, statistics)
        let proves = results.byteCount <= unproved
        for part in parts {
            guard case .scored = try find(part, of: job, statistics, proves: proves) else {
                throw .file("A part has no scores.")
            }
        }
        guard !parts.isEmpty else { throw .file("It has no parts.") }
        if proves {
            unproved -= results.byteCount
            state.withLock { _ = $0.proved.insert(job) }
        }
        return results
    }
}

extension Job<ScoreJob> {
    /// Has the job stand as if nothing had become of it but this.
    fileprivate mutating func become(_ status: JobStatus, _ failure: Problem? = nil) {
        lifecycle = JobLifecycle(status, createdAt: lifecycle.createdAt, finishedAt: status.isFinal ? Date() : nil)
        (self.failure, expiresAt, output) = (failure, nil, .none)
    }
}
