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
        if let output = settings.output { try configuration.dataDirectories.checkOutput(output) }
        let id: JobID
        let job: Job<ScoreJob>
        do throws(JobError) {
            id = try queue.open(ScoreJob.Details(parameters: settings))
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        do throws(Problem) {
            try durable?.open(job)
        } catch {
            queue.withdraw(id)
            throw error
        }
        takeBatches(OpenJob(id, parameters, byteLimit: limits.resultBytes))
        var response = try Response.json(status: .created) { JobDocument(job).write(to: &$0) }
        response.head.headerFields[.location] = "/jobs/\(id)"
        return response
    }

    /// Lets batches come to a job, until it is finished or left alone for too long.
    func takeBatches(_ job: OpenJob) {
        let id = job.id
        openJobs.withLock { $0[id] = job }
        queue.whenFinal(id) { [weak self] _ in
            self?.openJobs.withLock { $0.removeValue(forKey: id) }?.discard()
        }
        closeWhenIdle(id, in: configuration.openJobTimeToLive)
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
        return BodilessIntake(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let open = try self.openJob(id)
                let settings = try ScoreParameters(open.parameters)
                let durable = self.durable
                let parts = try open.close { () throws(Problem) in try durable?.finish(id) }
                let job: Job<ScoreJob>
                do throws(JobError) {
                    try self.queue.enqueue(id, work: self.work(on: parts, settings))
                    job = try self.queue.job(id)
                } catch {
                    // It was canceled or deleted just now.
                    durable?.reconcile(id)
                    throw Problem(error)
                }
                return try ScoreResponse.accepted(job)
            }
        })
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
