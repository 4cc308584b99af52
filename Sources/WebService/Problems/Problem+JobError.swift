import HTTPTypes
package import Jobs

/// Reasons why a job cannot do what a request asks of it.
extension Problem {
    /// The problem that an error of the job queue is to a client.
    package init(_ error: JobError) {
        self =
            switch error {
            case .atCapacity(let limit): .atCapacity(limit: limit)
            case .tooManyOpen(let limit):
                Problem(
                    .tooManyOpenJobs, "As many jobs are open as may be.",
                    expected: "fewer than \(limit) open jobs", actual: "\(limit)", limit: limit)
            case .keyInUse(let key):
                Problem(
                    .requestArriving, "A request with this Idempotency-Key is on its way.",
                    parameter: "Idempotency-Key", actual: key
                ).with(.retryAfter, "1")
            case .draining: .draining
            case .unknown(let id): .unknownJob(id.description)
            case .notFinished(let id, let status), .notReceiving(let id, let status):
                Problem(
                    .jobNotFinished, "The job \(id) is \(status.rawValue).", expected: "succeeded",
                    actual: status.rawValue
                ).with(.retryAfter, "1")
            case .alreadyFinished(let id, let status):
                Problem(
                    .jobFinished, "The job \(id) has \(status.rawValue) already.",
                    expected: "a job that lives", actual: status.rawValue)
            case .withoutOutput(let id, let status):
                Problem(
                    status == .canceled ? .jobCanceled : .jobFailed,
                    "The job \(id) has no results: it \(status == .canceled ? "was canceled" : "failed").",
                    expected: "succeeded", actual: status.rawValue)
            case .expired(let id):
                Problem(.resultExpired, "The results of job \(id) are no longer kept.", actual: "expired")
            }
    }

    /// The problem of a client that waits for a job which is canceled.
    package static func canceled(_ job: JobID) -> Problem {
        Problem(.jobCanceled, "The job \(job) was canceled.", actual: "canceled")
    }

    /// The answer to a batch for a job that takes no more input.
    package static func notOpen(_ id: JobID) -> Problem {
        Problem(
            .jobNotOpen, "The job \(id) takes no more batches.", expected: "an open job",
            actual: "a job that was finished, canceled or left alone for too long")
    }
}
