import Codecs
import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// The answer of a scoring that succeeded: its arrays, in the format that the client asked for.
struct ScoreResponse {
    private let job: Job<ScoreJob>
    private let scores: DatasetScores

    /// - Throws: A 409 or 410 problem if the job has no output.
    init(_ job: Job<ScoreJob>) throws(Problem) {
        self.job = job
        scores = try job.openedOutput()
    }

    /// The arrays in a format.
    ///
    /// - Throws: A 400 problem if `include` does not fit the format; 503 if memory is short.
    func response(in format: MediaType) throws(Problem) -> Response {
        let arrays = try job.details.parameters.included(in: format).map { (name) throws(Problem) in
            (name, try scores.elements(name, threshold: job.details.parameters.threshold ?? 0))
        }
        var response: Response
        switch format {
        case .npy: response = try .npy(arrays[0].1)
        case .npz: response = try .npz(arrays.map { ($0.0.rawValue, $0.1) })
        default: response = try .json { document(&$0, arrays) }
        }
        response.head.headerFields[.location] = "/jobs/\(job.id)"
        return response
    }

    /// The answer to a client that does not wait.
    static func accepted(_ job: Job<ScoreJob>, retryAfter: String) -> Response {
        var response = Response.done(.accepted) { JobDocument(job).write(to: &$0) }
        response.head.headerFields[.location] = "/jobs/\(job.id)"
        response.head.headerFields[.retryAfter] = retryAfter
        return response
    }

    private func document(_ writer: inout JSONWriter, _ arrays: [(ScoreParameters.Array, ArrayAnswer)]) {
        writer.object { members in
            members.string("job", job.id.description)
            members.string("method", job.details.parameters.method.rawValue)
            JobDocument.write(job.details.shape, to: &members)
            job.details.notes.writeAny(to: &members)
            for (name, array) in arrays {
                members.elements(name.rawValue, array)
            }
            JobDocument.writeLinks(job, to: &members)
        }
    }
}
