import HTTPTypes
package import Jobs

/// What stands against a job.
extension Problem {
    package init(_ error: JobError) {
        self =
            switch error {
            case .atCapacity(let limit): .atCapacity(limit: limit)
            case .tooManyOpen(let limit):
                Problem(
                    .serviceUnavailable, "too-many-open-jobs", "As many jobs are open as may be.",
                    expected: "fewer than \(limit) open jobs", actual: "\(limit)", limit: limit)
            case .draining: .draining
            case .unknown(let id): .unknownJob(id.description)
            case .notFinished(let id, let status), .notReceiving(let id, let status):
                Problem(
                    .conflict, "job-not-finished", "The job \(id) is \(status.rawValue).", expected: "succeeded",
                    actual: status.rawValue
                ).with(.retryAfter, "1")
            case .alreadyFinished(let id, let status):
                Problem(
                    .conflict, "job-finished", "The job \(id) has \(status.rawValue) already.",
                    expected: "a job that lives", actual: status.rawValue)
            case .withoutOutput(let id, let status):
                Problem(
                    .conflict, status == .canceled ? "job-canceled" : "job-failed",
                    "The job \(id) has no results: it \(status == .canceled ? "was canceled" : "failed").",
                    expected: "succeeded", actual: status.rawValue)
            case .expired(let id):
                Problem(.gone, "result-expired", "The results of job \(id) are no longer kept.", actual: "expired")
            }
    }

    package static func canceled(_ job: JobID) -> Problem {
        Problem(.conflict, "job-canceled", "The job \(job) was canceled.", actual: "canceled")
    }

    /// A batch for a job that is past its input.
    package static func notOpen(_ id: JobID) -> Problem {
        Problem(
            .conflict, "job-not-open", "The job \(id) takes no more batches.", expected: "an open job",
            actual: "a job that was finished, canceled or left alone for too long")
    }
}
