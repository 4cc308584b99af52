package import DatasetScoring
package import JobStorage
package import Jobs
package import Scoring
package import ServiceInterface
package import WebService

/// What the answer to a scoring request is written as.
package protocol ScoreFormat: Sendable {
    /// The parameters and the shape of the arrays are known, and no image has been scored.
    ///
    /// - Parameters:
    ///   - shape: Nil where the arrays do not fit together, which the client is told by whoever scores them.
    /// - Throws: 400 where what was asked for does not fit the format, or is not there.
    func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem)

    /// The answer for a job that has succeeded.
    ///
    /// - Throws: 409 or 410 where the job has no output; 503 where memory is short.
    func response(of job: Job<ScoreJob>) throws(Problem) -> Response
}

extension MediaType: ScoreFormat {
    package func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem) {
        _ = try parameters.included(in: self)
    }

    package func response(of job: Job<ScoreJob>) throws(Problem) -> Response {
        try ScoreResponse(job).response(in: self)
    }
}
