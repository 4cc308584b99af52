import DatasetScoring
import Dispatch
import Foundation
import HTTPTypes
import JobStorage
import Jobs
import Scoring
import ServiceInterface
import Synchronization
import TensorCodecs
import Tensors
import WebService

/// Jobs that take their images in batches.
extension Service {
    /// `POST /jobs`: opens a job.
    func openJob(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        return try OpenJobHandler(call.request, of: call.caller, self)
    }

    /// Opens a job of some parameters.
    ///
    /// - Throws: 400 for parameters that do not go together; 503 where as many jobs are open as may be.
    func open(_ parameters: Parameters, for owner: JobOwner?) throws(Problem) -> Response {
        let settings = try ScoreParameters(parameters)
        try check(settings)
        let id: JobID
        let job: Job<ScoreJob>
        do throws(JobError) {
            id = try queue.open(ScoreJob.Details(parameters: settings, owner: owner))
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        var response: Response
        do throws(Problem) {
            // Before anything is promised: there may be no memory for it.
            response = try .json(status: .created) { JobDocument(job).write(to: &$0) }
            try durable?.open(job)
        } catch {
            queue.withdraw(id)
            throw error
        }
        takeBatches(OpenJob(id, parameters, byteLimit: limits.resultBytes))
        response.head.headerFields[.location] = "/jobs/\(id)"
        return response
    }

    /// Lets batches come to a job, until it is finished or left alone for too long.
    func takeBatches(_ job: OpenJob) {
        let id = job.id
        let isWatched = openJobs.withLock { open in
            open.jobs[id] = job
            defer { open.isWatched = true }
            return open.isWatched
        }
        queue.whenFinal(id) { [weak self] _ in
            self?.openJobs.withLock { $0.jobs.removeValue(forKey: id) }?.discard()
        }
        // Whatever is watched is looked at before this one's time is over.
        if !isWatched { closeIdleJobs(in: configuration.openJobTimeToLive) }
    }

    /// Cancels the open jobs that nobody has touched for their time to live, for as long as any is open. One timer for all of
    /// them: it would outlive jobs that are open for a moment.
    private func closeIdleJobs(in seconds: TimeInterval) {
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            // To cancel one is a change that is waited for.
            self?.commit { [weak self] in self?.closeIdleJobs() }
        }
    }

    private func closeIdleJobs() {
        let timeToLive = configuration.openJobTimeToLive
        // Each has a lock of its own, which is not taken with that of all of them held: daemon threads take that one.
        let jobs = openJobs.withLock { open in
            open.isWatched = !open.jobs.isEmpty
            return Array(open.jobs.values)
        }
        var next = timeToLive
        for job in jobs {
            let idleTime = job.idleTime ?? 0
            if idleTime >= timeToLive { queue.cancelOpen(job.id) } else { next = min(next, timeToLive - idleTime) }
        }
        if !jobs.isEmpty { closeIdleJobs(in: next) }
    }

    /// `POST /jobs/{id}/batches`
    func addBatch(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try BatchHandler(call.request, try openJob(id), self)
    }

    /// Says of a job what it has now.
    func tell(_ batch: OpenJob.Batch, of id: JobID) {
        queue.update(id, imagesDone: batch.firstImage + batch.shape.imageCount) { details in
            if details.shape == nil {
                details.shape = ScoreJob.Shape(batch.shape)
            } else {
                details.shape?.add(batch.shape)
            }
            details.notes.add(batch.notes)
        }
    }

    /// `POST /jobs/{id}/finish`
    func finishJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        try checkNoParameters(call.request)
        return BodilessHandler(later: { [self] answer in
            commit(answer) { () throws(Problem) in
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
                return ScoreResponse.accepted(job, retryAfter: self.retryAfter)
            }
        })
    }

    /// - Throws: 404 for an unknown job, 409 for one that takes no batches.
    private func openJob(_ id: JobID) throws(Problem) -> OpenJob {
        if let job = openJobs.withLock({ $0.jobs[id] }) { return job }
        let job: Job<ScoreJob>
        do throws(JobError) {
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        throw Problem(
            .jobNotOpen, "The job \(id) is \(job.status.rawValue).", expected: "open",
            actual: job.status.rawValue)
    }
}
