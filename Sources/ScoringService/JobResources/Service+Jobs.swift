import DatasetScoring
import Foundation
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
package import ServiceInterface
package import WebService

/// The endpoints of jobs, except those for their arrays.
extension Service {
    /// `GET /jobs`
    func listJobs(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let parameters = try Parameters(target: call.request.head.path ?? "", known: ["status", "limit", "cursor"])
        let status = try parameters.string("status").map { (text) throws(Problem) in
            guard let status = JobStatus(rawValue: text) else {
                throw .invalidParameter(
                    "status", expected: JobStatus.allCases.map(\.rawValue).joined(separator: ", "), actual: text)
            }
            return status
        }
        let limit = try parameters.integer("limit", in: 1...500) ?? 50
        let cursor = try parameters.string("cursor").map { (text) throws(Problem) in
            guard let cursor = JobCursor(text) else {
                throw .invalidParameter("cursor", expected: "the \"next\" of an earlier answer", actual: text)
            }
            return cursor
        }
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let page = self.queue.jobs(
                    status: status, after: cursor, limit: limit, where: { call.caller.sees($0.owner) })
                return try .json { writer in
                    writer.object { members in
                        members.array("jobs", of: page.jobs) { members, job in JobDocument(job).write(to: &members) }
                        members.string("next", page.next?.description)
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}`
    func showJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let parameters = try Parameters(target: call.request.head.path ?? "", known: ["wait"])
        let wait = try parameters.integer("wait", in: 0...Preference.longestWait) ?? 0
        let queue = queue
        let departure = wait > 0 ? BodilessHandler.departed : nil
        return BodilessHandler(
            departure: departure,
            later: { answer in
                queue.whenFinal(id, timeout: TimeInterval(wait)) { job in
                    answer(
                        Answer { () throws(Problem) in
                            guard let job else { throw .unknownJob(id.description) }
                            return try .json { JobDocument(job).write(to: &$0) }
                        })
                }
            })
    }

    /// `POST /jobs/{id}/cancel`
    func cancelJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return settling(id) { [queue] () throws(Problem) in
            let job: Job<ScoreJob>
            do throws(JobError) {
                job = try queue.cancelIfLive(id)
            } catch {
                throw Problem(error)
            }
            return .done(.ok) { JobDocument(job).write(to: &$0) }
        }
    }

    /// `POST /jobs/{id}/keep`
    func keepJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try prolong(id, isKept: true, call)
    }

    /// `DELETE /jobs/{id}/keep`
    func releaseJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try prolong(id, isKept: false, call)
    }

    private func prolong(_ id: JobID, isKept: Bool, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return settling(id) { [queue] () throws(Problem) in
            do throws(JobError) {
                let job = try queue.prolong(id, isKept: isKept)
                return .done(.ok) { JobDocument(job).write(to: &$0) }
            } catch {
                throw Problem(error)
            }
        }
    }

    /// `DELETE /jobs/{id}`
    func deleteJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return settling(id) { [queue] () throws(Problem) in
            do throws(JobError) {
                try queue.delete(id)
                return Response(HTTPResponse(status: .noContent))
            } catch {
                throw Problem(error)
            }
        }
    }

    /// Answers once the fate of a job is recorded for good.
    private func settling(_ id: JobID, _ body: @escaping @Sendable () throws(Problem) -> Response) -> any RequestHandler
    {
        BodilessHandler(later: { [self] answer in
            change { [store] in
                answer(
                    Answer { () throws(Problem) in
                        do throws(Problem) {
                            let response = try body()
                            try store.settle(id)
                            return response
                        } catch {
                            // A job that is gone from memory but not from the disk would be back after a restart, so it
                            // is too early to say that there is no such job.
                            try store.settle(id)
                            throw error
                        }
                    })
            }
        })
    }

    /// A job that has succeeded, with its output.
    ///
    /// - Throws: A 404 problem for an unknown job; 409 for one that has not ended or has no output; 410 for one whose
    ///   output is no longer kept.
    func finished(_ id: JobID) throws(Problem) -> (Job<ScoreJob>, DatasetScores) {
        let job: Job<ScoreJob>
        do throws(JobError) {
            job = try queue.job(id)
        } catch {
            throw Problem(error)
        }
        return (job, try job.openedOutput())
    }

    /// Proves that the client accepts JSON.
    ///
    /// - Throws: A 406 problem if it does not.
    func checkJSONIsAccepted(_ request: IncomingRequest) throws(Problem) {
        _ = try MediaType.negotiated(request.head.headerFields[.accept], offers: [.json])
    }

    /// Proves that the query has no parameters.
    ///
    /// - Throws: A 400 problem if it has any.
    package func checkNoParameters(_ request: IncomingRequest) throws(Problem) {
        _ = try Parameters(target: request.head.path ?? "", known: [])
    }
}

extension JobQueue {
    /// Cancels a job, unless it has ended already.
    ///
    /// - Throws: ``JobError/unknown(_:)``.
    fileprivate func cancelIfLive(_ id: JobID) throws(JobError) -> Job<Kind> {
        do throws(JobError) {
            return try cancel(id)
        } catch {
            guard case .alreadyFinished = error else { throw error }
            return try job(id)
        }
    }
}

extension ScoreJob.Details {
    /// The threshold of a resource: the request's, or else the job's, or else cleanlab's.
    func issueThreshold(_ requested: Double?) -> Double {
        requested ?? parameters.threshold ?? IssuesFromScores.defaultThreshold
    }
}
