import DatasetScoring
import Jobs
import JobStorage
import Scoring
import ServiceInterface
import WebService

/// The answer to `POST /reduce`: `own`, `largest` and `predicted`, as npz or JSON.
///
/// Its job makes no scores. Nothing of it is kept, since the client that waits is the only one who gets what it has made.
struct ReducedFormat: ScoreFormat {
    let service: Service
    let mediaType: MediaType

    func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem) {}

    func work(on input: JobInput<ScoreJob>, of service: Service) -> JobWork<ScoreJob> {
        guard case .arrived(let makeParts) = input else { preconditionFailure("nobody is told later of the job") }
        return { context in
            do throws(Problem) {
                guard let parts = try makeParts({ context.isCancelled }), let parameters = context.details?.parameters
                else { return .canceled }
                guard case .waiting(var pixels)? = parts.first?.images else {
                    preconditionFailure("a body that has arrived makes one part, of pixels")
                }
                try parameters.settle(&pixels)
                return .succeeded(JobResults(reduced: pixels))
            } catch {
                return .failed(error)
            }
        }
    }

    func response(of job: Job<ScoreJob>) throws(Problem) -> Response {
        defer { service.forget(job.id) }
        guard let arrays = try job.results().reduced.flatMap(ArrayAnswer.reduced) else {
            preconditionFailure("the job has looked at all probabilities")
        }
        guard mediaType == .json else { return try .npz(arrays) }
        return try .json { writer in
            writer.object { members in
                JobDocument.write(job.details.shape, to: &members)
                job.details.notes.writeAny(to: &members)
                for (name, array) in arrays { members.elements(name, array) }
            }
        }
    }
}
