import Foundation
import HTTPTypes
import Jobs
import JobStorage
import ServiceInterface
import WebService

/// The way in which a scoring request is answered, and the job that it is answered with.
struct ScoreReply: Sendable {
    let service: Service
    let job: JobID
    let format: any ScoreFormat
    let preference: Preference

    /// Whether the client waits for the result at all.
    var waits: Bool { !preference.isAsync || (preference.wait ?? 0) > 0 }

    /// How long the client waits, in seconds; nil if it waits as long as it takes.
    var timeout: TimeInterval? { preference.isAsync ? TimeInterval(preference.wait ?? 0) : nil }

    /// The answer to a client that does not wait: the job as it stands.
    ///
    /// - Throws: A 409 problem if the job was canceled; 503 if memory is short.
    func accepted() throws(Problem) -> Response {
        let snapshot: Job<ScoreJob>
        do throws(JobError) {
            snapshot = try service.queue.job(job)
        } catch {
            throw .canceled(job)
        }
        return accepted(snapshot)
    }

    private func accepted(_ snapshot: Job<ScoreJob>) -> Response {
        var response = ScoreResponse.accepted(snapshot, retryAfter: service.retryAfter)
        response.head.headerFields[.preferenceApplied] = preference.applied
        return response
    }

    /// The answer to a client that has waited. If the answer is a refusal, the job is deleted.
    func response(to snapshot: Job<ScoreJob>?) throws(Problem) -> Response {
        guard let snapshot, snapshot.status != .canceled else { throw .canceled(job) }
        guard snapshot.status.isFinal else { return accepted(snapshot) }
        if let failure = snapshot.failure {
            do throws(JobError) { try service.queue.delete(job) } catch { /* It has been forgotten already. */  }
            throw failure
        }
        var response = try service.reading { () throws(Problem) in try format.response(of: snapshot) }
        response.head.headerFields[.preferenceApplied] = preference.applied
        return response
    }
}
