import DatasetScoring
import Dispatch
import Files
import Foundation
import Jobs
import JobStorage
import Memory
import Scoring
import Synchronization
import WebService

/// The work of jobs whose images have all arrived.
extension Service {
    /// The work that is done on the input of a job once all of it has come. If memory is short, a job whose parts are
    /// kept waits for some, at first for a second.
    ///
    /// - Parameters:
    ///   - input: The images of the job.
    ///   - isSuspect: Whether an earlier process ended while it ran the job.
    func work(on input: JobInput<ScoreJob>, isSuspect: Bool = false) -> JobWork<ScoreJob> {
        switch input {
        case .refused(let failure): return { _ in .failed(failure) }
        case .arrived(let makeParts):
            return { [self] context in
                do throws(Problem) {
                    guard let parts = try makeParts({ context.isCancelled }),
                        let parameters = context.details?.parameters
                    else { return .canceled }
                    let pictures = parts.map(\.pictures)
                    return try outcome(try score(consume parts, parameters, context), pictures, context)
                } catch {
                    return .failed(error)
                }
            }
        case .kept(let parts):
            let patience = Patience()
            return { [self] context in
                if isSuspect { suspects.wait() }
                defer { if isSuspect { suspects.signal() } }
                guard let parameters = context.details?.parameters else { return .canceled }
                context.report(imagesDone: 0, imagesTotal: parts.reduce(0) { $0 + $1.shape.imageCount })
                do throws(Problem) {
                    let scores = try store.attempt(context.id, on: parts) { (parts) throws(Problem) in
                        try score(parts, parameters, context)
                    }
                    return try outcome(scores, parts.map(\.pictures), context)
                } catch {
                    return error.isWantOfMemory ? .again(after: patience.next()) : .failed(error)
                }
            }
        }
    }

    /// - Returns: Nil if the job was canceled.
    private func score(
        _ parts: consuming [JobPart], _ parameters: ScoreParameters, _ context: JobContext<ScoreJob>
    ) throws(Problem) -> DatasetScores? {
        let imageCount = parts.reduce(0) { $0 + $1.shape.imageCount }
        return try parameters.score(consume parts, on: imageLoop) { context.report(done: $0, of: imageCount) }
    }

    private func outcome(
        _ scores: DatasetScores?, _ pictures: [KeptPictures?], _ context: JobContext<ScoreJob>
    ) throws(Problem) -> JobOutcome<ScoreJob> {
        guard let scores else { return .canceled }
        let results = JobResults(scores, pictures: pictures)
        guard results.pictures.isEmpty || results.byteCount <= limits.resultBytes else {
            throw Problem(
                .jobTooLarge, "The scores and the images together would be more than is kept of results.",
                parameter: "images", expected: "at most \(limits.resultBytes) bytes in all",
                actual: "\(results.byteCount)", limit: limits.resultBytes)
        }
        if let details = context.details { try write(scores, details) }
        return .succeeded(results)
    }

    /// Writes the results of a job into the directory that the client named, if it named one.
    ///
    /// - Throws: A 422 problem if they cannot be written there; 507 if the disk is full.
    func write(_ scores: DatasetScores, _ details: ScoreJob.Details) throws(Problem) {
        let parameters = details.parameters
        guard let output = parameters.output else { return }
        let arrays = try scores.named(
            parameters.written, threshold: parameters.threshold ?? 0, details.folderNames)
        try configuration.dataDirectories.write(arrays, details.names, to: output)
    }

    /// Cancels a job that nobody waits for, and forgets it with its results.
    func forget(_ job: JobID) {
        change { [queue] in
            do throws(JobError) { try queue.delete(job) } catch { /* The job has been forgotten already. */  }
        }
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
