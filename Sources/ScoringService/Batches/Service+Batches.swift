import Dispatch
import Foundation
import HTTPTypes
import Jobs
import Scoring
import ServiceInterface
import Synchronization
import TensorCodecs
import Tensors

/// Jobs that take their images in batches.
extension Service {
    /// `POST /jobs`: opens a job.
    func openJob(_ request: IncomingRequest) throws(Problem) -> any Intake {
        try checkJSONIsAccepted(request)
        return try OpenJobIntake(request, self)
    }

    /// Opens a job of some parameters.
    ///
    /// - Throws: 400 for parameters that do not go together; 503 where as many jobs are open as may be.
    func open(_ parameters: Parameters) throws(Problem) -> Response {
        let settings = try ScoreParameters(parameters)
        try settings.check()
        let id: JobID
        let job: Job<ScoreJob>
        do throws(JobError) {
            id = try queue.open(ScoreJob.Details(parameters: settings))
            openJobs.withLock { $0[id] = OpenJob(id, parameters, byteLimit: limits.resultBytes) }
            queue.whenFinal(id) { [weak self] _ in
                self?.openJobs.withLock { $0.removeValue(forKey: id) }?.discard()
            }
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        closeWhenIdle(id, in: configuration.openJobTimeToLive)
        var response = try Response.json(status: .created) { JobDocument(job).write(to: &$0) }
        response.head.headerFields[.location] = "/jobs/\(id)"
        return response
    }

    /// Cancels an open job that nobody has touched for its time to live.
    private func closeWhenIdle(_ id: JobID, in seconds: TimeInterval) {
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            guard let self, let job = openJobs.withLock({ $0[id] }) else { return }
            let timeToLive = configuration.openJobTimeToLive
            let idleTime = job.idleTime ?? 0
            if idleTime >= timeToLive {
                queue.cancelOpen(id)
            } else {
                closeWhenIdle(id, in: timeToLive - idleTime)
            }
        }
    }

    /// `POST /jobs/{id}/batches`
    func addBatch(to id: JobID, _ request: IncomingRequest) throws(Problem) -> any Intake {
        try BatchIntake(request, try openJob(id), self)
    }

    /// Says of a job what it has now.
    func tell(_ batch: OpenJob.Batch, of id: JobID) {
        queue.update(id, imagesDone: batch.firstImage + batch.shape.imageCount) { details in
            if details.shape == nil {
                details.shape = ScoreJob.Shape(batch.shape)
            } else {
                details.shape?.add(batch.shape)
            }
        }
    }

    /// `POST /jobs/{id}/finish`
    func finishJob(_ id: JobID, _ request: IncomingRequest) throws(Problem) -> any Intake {
        try checkJSONIsAccepted(request)
        try checkNoParameters(request)
        return BodilessIntake { [self] () throws(Problem) in
            let open = try openJob(id)
            let settings = try ScoreParameters(open.parameters)
            let parts = try open.close()
            let job: Job<ScoreJob>
            do throws(JobError) {
                try queue.enqueue(id) { [imageLoop] context in
                    Self.score(parts, settings, on: imageLoop, context)
                }
                job = try queue.job(id)
            } catch {
                throw Problem(error)
            }
            return try ScoreResponse.accepted(job)
        }
    }

    /// The work of a job that came in batches: what needs all images.
    private static func score(
        _ parts: [OpenJob.Part], _ settings: ScoreParameters, on loop: ImageLoop, _ context: JobContext<ScoreJob>
    ) -> JobOutcome<ScoreJob> {
        let scored = parts.compactMap { part in if case .scored(let scores) = part { scores } else { nil } }
        let waiting = parts.compactMap { part in if case .waiting(let pixels) = part { pixels } else { nil } }
        let total = (scored.map(\.shape) + waiting.map(\.shape)).reduce(0) { $0 + $1.imageCount }
        context.report(imagesDone: 0, imagesTotal: total)
        guard !waiting.isEmpty else { return .succeeded(DatasetScores(scored)) }
        do throws(ScoringError) {
            let scores = try settings.confidentLearning.score(consume waiting, on: loop) { done in
                if done < total { context.report(imagesDone: done) }
                return !context.isCancelled
            }
            return scores.map { .succeeded(DatasetScores($0)) } ?? .canceled
        } catch {
            return .failed(Problem(error))
        }
    }

    /// - Throws: 404 for an unknown job, 409 for one that takes no batches.
    private func openJob(_ id: JobID) throws(Problem) -> OpenJob {
        if let job = openJobs.withLock({ $0[id] }) { return job }
        let job: Job<ScoreJob>
        do throws(JobError) {
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        throw Problem(
            .conflict, "job-not-open", "The job \(id) is \(job.status.rawValue).", expected: "open",
            actual: job.status.rawValue)
    }
}
