import DatasetScoring
import Dispatch
import Foundation
package import JobStorage
import Jobs
import Scoring
import Synchronization
import Tensors
import WebService

/// The work of jobs whose images have all arrived.
extension Service {
    /// The work that scores the parts of an accepted job. If memory is short, the job waits for some, at first for a
    /// second.
    ///
    /// - Parameters:
    ///   - parts: The images of the job.
    ///   - settings: The parameters of the job.
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
        // Some mapped file became shorter meanwhile or could not be read, perhaps one of the job's.
        if MappedFile.faultCount != faults { try durable?.prove(stored, of: context.id) }
        return scores
    }

    /// Keeps the results of a job beyond the process, if there is a state directory.
    ///
    /// - Parameters:
    ///   - parts: The input of the job in files; nil if there is none.
    ///   - key: The idempotency key of the request, with its fingerprint.
    /// - Throws: A 507 problem if the disk has no room for the results of a job without input in files.
    func keep(
        _ scores: DatasetScores, _ context: JobContext<ScoreJob>, parts: [StoredPart]? = nil,
        key: DurableJobs.RequestKey? = nil
    ) throws(Problem) -> JobResults {
        // Results that the queue would drop at once need not be kept.
        guard let durable, limits.keepsOutput(of: scores.byteCount) else { return JobResults(scores) }
        return try durable.keep(scores, of: context.id, for: limits.timeToLive, parts: parts, key: key)
    }

    /// Writes the results of a job into the directory that the client named, if it named one.
    ///
    /// - Throws: A 422 problem if they cannot be written there; 507 if the disk is full.
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

    /// Cancels a job that nobody waits for, and forgets it with its results.
    func forget(_ job: JobID) {
        // With a state directory this writes to the disk, so a worker does it.
        guard durable != nil else { return queue.forget(job) }
        commit { [queue] in queue.forget(job) }
    }

    /// Takes up the jobs that earlier processes have left.
    ///
    /// - Throws: ``StateError`` if the state directory cannot be read.
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
        // Jobs that an earlier process did not survive come last.
        for isSuspect in [false, true] {
            for job in restored.accepted where job.isSuspect == isSuspect {
                let (id, failure) = (job.id, job.failure)
                guard let details = try? queue.job(id).details else { continue }
                let settings = details.parameters
                // The notes on a job of batches are stored with its parts.
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
                // The job exists and is receiving, so this cannot fail.
                try? queue.enqueue(id, work: work)
            }
        }
    }
}

extension JobQueue<ScoreJob> {
    /// Deletes a job, if it still exists.
    fileprivate func forget(_ job: JobID) {
        do throws(JobError) { try delete(job) } catch { /* It has been forgotten already. */  }
    }
}

extension JobContext<ScoreJob> {
    /// Reports how many images of a job are done. The last image is not reported, because a job that succeeds has done
    /// all of them.
    ///
    /// - Returns: Whether to go on.
    func report(done: Int, of total: Int) -> Bool {
        if done < total { report(imagesDone: done) }
        return !isCancelled
    }
}

extension Problem {
    /// Whether memory was short, so that a later attempt may succeed.
    fileprivate var isWantOfMemory: Bool { type == .outOfMemory }
}

/// How long a job waits for memory: a second at first, then twice as long each time, up to half a minute.
private final class Patience: Sendable {
    private let seconds = Atomic(1)

    func next() -> TimeInterval {
        let now = seconds.load(ordering: .relaxed)
        seconds.store(min(now * 2, 30), ordering: .relaxed)
        return TimeInterval(now)
    }
}
