import Jobs
import JobStorage
import Synchronization

/// The decisions of all jobs that anybody has asked about.
final class Reviews: Sendable {
    private let jobs = Mutex<[JobID: JobDecisions]>([:])

    /// The decisions on a job that is there.
    func decisions(on job: JobID, in store: any JobStore<ScoreJob>) -> JobDecisions {
        jobs.withLock { jobs in
            if let known = jobs[job] { return known }
            let new = JobDecisions(on: job, in: store)
            jobs[job] = new
            return new
        }
    }

    func remove(_ job: JobID) {
        jobs.withLock { _ = $0.removeValue(forKey: job) }
    }
}
