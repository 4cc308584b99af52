import DatasetScoring
import Dispatch
import Foundation
package import JobStorage
import Jobs
import Scoring
import Synchronization
import Tensors
import WebService

/// The work of jobs whose images are in.
extension Service {
    /// Scores the parts of a job that was accepted. Where memory is short at the moment the job waits for some, a second at first.
    ///
    /// - Parameters:
    ///   - isSuspect: Whether an earlier process ended while it ran the job.
    func work(on parts: [JobPart], _ settings: ScoreParameters, isSuspect: Bool = false) -> JobWork<ScoreJob> {
        let stored = parts.compactMap { part in if case .stored(let part) = part { part } else { nil } }
        let patience = Patience()
        return { [self] context in
            if isSuspect { suspects.wait() }
            defer { if isSuspect { suspects.signal() } }
            if !stored.isEmpty { durable?.attempt(context.id) }
            do throws(Problem) {
                guard let scores = try score(parts, stored, settings, context) else { return .canceled }
                try self.write(scores, settings)
                return .succeeded(try self.keep(scores, context, parts: stored))
            } catch {
                guard error.isWantOfMemory else { return .failed(error) }
                if !stored.isEmpty { durable?.takeBackAttempt(context.id) }
                return .again(after: patience.next())
            }
        }
    }

    private func score(
        _ parts: [JobPart], _ stored: [StoredPart], _ settings: ScoreParameters, _ context: JobContext<ScoreJob>
    ) throws(Problem) -> DatasetScores? {
        let imageCount = parts.reduce(0) { $0 + $1.shape.imageCount }
        context.report(imagesDone: 0, imagesTotal: imageCount)
        let loaded = try parts.map { (part) throws(Problem) in
            guard let durable, case .stored(let stored) = part else { return part }
            return try durable.load(stored, of: context.id)
        }
        let faults = MappedFile.faultCount
        let scores = try settings.score(loaded, on: imageLoop) { context.report(done: $0, of: imageCount) }
        // Some file became shorter meanwhile, or could not be read: one of these, perhaps.
        if MappedFile.faultCount != faults { try durable?.prove(stored, of: context.id) }
        return scores
    }

    /// Keeps what a job has made beyond the process, if anything does.
    ///
    /// - Parameters:
    ///   - parts: The job's input in files; nil where there is none.
    /// - Throws: 507 where the disk has no room for a job without input in files.
    func keep(
        _ scores: DatasetScores, _ context: JobContext<ScoreJob>, parts: [StoredPart]? = nil,
        key: DurableJobs.RequestKey? = nil
    ) throws(Problem) -> JobResults {
        // What is not kept is dropped as soon as it is made.
        guard let durable, limits.keepsOutput(of: scores.byteCount) else { return JobResults(scores) }
        return try durable.keep(scores, of: context.id, for: limits.timeToLive, parts: parts, key: key)
    }

    /// Writes what a job has made to where the client wants it, if it wants it anywhere.
    ///
    /// - Throws: 422 where it cannot be written there, 507 where the disk is full.
    func write(_ scores: DatasetScores, _ parameters: ScoreParameters) throws(Problem) {
        guard let output = parameters.output else { return }
        let isSeveral = scores.size == nil
        var arrays: [(name: String, array: ArrayAnswer)] = []
        for array in parameters.written {
            let images: [Int?] = isSeveral && array != .imageScores ? Array(0..<scores.imageCount) : [nil]
            for image in images {
                let elements = try scores.elements(array, threshold: parameters.threshold ?? 0, image: image)
                arrays.append((image.map { Self.name($0, of: array) } ?? array.rawValue, elements))
            }
        }
        try configuration.dataDirectories.write(arrays, to: output)
    }

    /// Cancels a job that nobody waits for, and forgets it with all that it has made.
    func forget(_ job: JobID) {
        // What outlives the process is settled on a disk, which is for workers.
        guard durable != nil else { return queue.forget(job) }
        commit { [queue] in queue.forget(job) }
    }

    /// Takes up the jobs that the process before has left.
    ///
    /// - Throws: ``StateError``.
    package func restore() throws(StateError) {
        guard let durable else { return }
        let restored = try durable.restore(attemptLimit: configuration.attemptLimit)
        remembered.add(restored.jobs.count { $0.status.isFinal })
        queue.restore(restored.jobs)
        for (key, id) in restored.keys {
            guard let job = try? queue.job(id) else { continue }
            keys.restore(.init(owner: job.details.owner, name: key.key), id, key.fingerprint)
        }
        for (job, rows) in restored.open {
            let parts = rows.map { (part: JobPart.stored($0.part), key: $0.key, fingerprint: $0.fingerprint) }
            takeBatches(
                OpenJob(
                    job.id, job.details.parameters.named, byteLimit: limits.resultBytes, parts: parts))
            queue.update(job.id, imagesDone: parts.reduce(0) { $0 + $1.part.shape.imageCount }) { details in
                details.shape = ScoreJob.Shape(parts.map(\.part.shape))
                details.notes = InputNotes(parts.map(\.part.notes))
            }
        }
        // Those that the process before did not survive come last.
        for isSuspect in [false, true] {
            for job in restored.accepted where job.isSuspect == isSuspect {
                let (id, failure) = (job.id, job.failure)
                guard let details = try? queue.job(id).details else { continue }
                let settings = details.parameters
                // Of batches it is their parts that say it.
                if details.notes == InputNotes() {
                    let notes = InputNotes(job.parts.map { $0.notes ?? InputNotes() })
                    queue.update(id) { $0.notes = notes }
                }
                let work: JobWork<ScoreJob> =
                    if let failure {
                        { _ in .failed(failure) }
                    } else {
                        work(on: job.parts.map(JobPart.stored), settings, isSuspect: isSuspect)
                    }
                // It is there, and it is receiving.
                try? queue.enqueue(id, work: work)
            }
        }
    }
}

extension JobQueue<ScoreJob> {
    /// Deletes a job, if it is there still.
    fileprivate func forget(_ job: JobID) {
        do throws(JobError) { try delete(job) } catch { /* It has been forgotten already. */  }
    }
}

extension JobContext<ScoreJob> {
    /// Tells how many of a job's images are done. A job that succeeds has done all of them.
    ///
    /// - Returns: Whether to go on.
    func report(done: Int, of total: Int) -> Bool {
        if done < total { report(imagesDone: done) }
        return !isCancelled
    }
}

extension Problem {
    /// Whether there was no memory at the moment, which others have.
    fileprivate var isWantOfMemory: Bool { type == .outOfMemory }
}

/// How long a job waits for memory: a second, and each time twice as long, up to half a minute.
private final class Patience: Sendable {
    private let seconds = Atomic(1)

    func next() -> TimeInterval {
        let now = seconds.load(ordering: .relaxed)
        seconds.store(min(now * 2, 30), ordering: .relaxed)
        return TimeInterval(now)
    }
}
