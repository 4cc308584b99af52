package import DatasetScoring
package import Jobs
package import JobStorage
package import Scoring
package import ServiceInterface
package import WebService

/// The format in which a scoring request is answered.
package protocol ScoreFormat: Sendable {
    /// Proves that the format can hold the answer. It is called when the parameters and the shape of the arrays are
    /// known, and before any image is scored.
    ///
    /// - Parameters:
    ///   - shape: The shape; nil if the arrays do not fit together, which the client is told when they are scored.
    /// - Throws: A 400 problem if the request wants something that the format cannot hold, or that does not exist.
    func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem)

    /// The work of a job whose answer has this format.
    ///
    /// - Parameters:
    ///   - input: The images of the job.
    func work(on input: JobInput<ScoreJob>, of service: Service) -> JobWork<ScoreJob>

    /// The answer for a job that has succeeded.
    ///
    /// - Throws: A 409 or 410 problem if the job has no output; 503 if memory is short.
    func response(of job: Job<ScoreJob>) throws(Problem) -> Response
}

extension ScoreFormat {
    package func work(on input: JobInput<ScoreJob>, of service: Service) -> JobWork<ScoreJob> {
        service.work(on: input)
    }
}

extension MediaType: ScoreFormat {
    package func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem) {
        _ = try parameters.included(in: self)
    }

    package func response(of job: Job<ScoreJob>) throws(Problem) -> Response {
        try ScoreResponse(job).response(in: self)
    }
}
