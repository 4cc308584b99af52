import Codecs
import DatasetScoring
import Dispatch
import Foundation
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import Synchronization
import WebService

/// The endpoints of jobs that take their images in batches.
extension Service {
    /// `POST /jobs`: opens a job.
    func openJob(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        return try OpenJobHandler(call.request, of: call.caller, self)
    }

    /// Opens a job with some parameters.
    ///
    /// - Throws: A 400 problem for parameters that do not go together; 503 if too many jobs are open.
    func open(_ parameters: Parameters, for owner: JobOwner?) throws(Problem) -> Response {
        let settings = try ScoreParameters(parameters)
        try settings.names.checkImagesHaveNone(
            "How many images come in batches is not known, and so they have numbers alone.")
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
            // The answer is made before anything is recorded, because there may be no memory for it.
            response = try .json(status: .created) { JobDocument(job).write(to: &$0) }
            try store.open(job)
        } catch {
            queue.withdraw(id)
            throw error
        }
        takeBatches(OpenJob(id, parameters, byteLimit: limits.resultBytes))
        response.head.headerFields[.location] = "/jobs/\(id)"
        return response
    }

    /// Lets a job take batches until it is finished or idle for too long.
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
        // If a timer runs already, it fires before this job's time is over.
        if !isWatched { closeIdleJobs(in: configuration.openJobTimeToLive) }
    }

    /// Cancels the open jobs that have been idle for their time to live, as long as any job is open. All jobs share one
    /// timer, because timers of their own would outlive jobs that are open only for a moment.
    private func closeIdleJobs(in seconds: TimeInterval) {
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            // To cancel a job is a change that is waited for, so a worker does it.
            self?.commit { [weak self] in self?.closeIdleJobs() }
        }
    }

    private func closeIdleJobs() {
        let timeToLive = configuration.openJobTimeToLive
        // Each job has a lock of its own. It is not taken while the lock of the whole list is held, since daemon
        // threads take that one.
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

    /// Adds a batch to what the job's document says.
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
                let store = self.store
                let parts = try open.close { () throws(Problem) in try store.finish(id) }
                let job: Job<ScoreJob>
                do throws(JobError) {
                    try self.queue.enqueue(id, parts: parts, work: self.work(on: .kept(parts)))
                    job = try self.queue.job(id)
                } catch {
                    // The job was canceled or deleted just now. The queue tells the store of that after what was
                    // recorded here, and the store then drops it.
                    throw Problem(error)
                }
                return ScoreResponse.accepted(job, retryAfter: self.retryAfter)
            }
        })
    }

    /// The open job with an id.
    ///
    /// - Throws: A 404 problem for an unknown job; 409 for a job that takes no batches.
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
