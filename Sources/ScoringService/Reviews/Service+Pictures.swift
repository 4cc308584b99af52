import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Scoring
import ServiceInterface
import WebService

/// The endpoint for what the labels of a job are of.
extension Service {
    /// The pictures of a job's images; nil if there are none.
    ///
    /// - Throws: 409 or 410 if the job has no output; 400 if this server has no directory for what the job names.
    func pictures(of job: Job<ScoreJob>, _ scores: DatasetScores) throws(Problem) -> JobPictures? {
        if let place = job.details.parameters.images { return try configuration.dataDirectories.pictures(place) }
        let pictures = try job.results().pictures
        return pictures.isEmpty ? nil : JobPictures(pictures, imageCounts: scores.parts.map(\.shape.imageCount))
    }

    /// `GET /jobs/{id}/images/{image}`
    func showPicture(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        let text = call["image"] ?? ""
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                guard let pictures = try self.pictures(of: job, scores) else {
                    throw Problem(.noImages, "The job came without pictures.", expected: "a job with images")
                }
                guard let image = Int(text), (0..<scores.imageCount).contains(image), String(image) == text else {
                    throw Problem(
                        .noImages, "The job has no image \"\(text)\".", parameter: "image",
                        expected: "an index from 0 to \(scores.imageCount - 1)", actual: text)
                }
                let picture = try pictures.picture(named: job.details.names?[image], image: image)
                let type: MediaType =
                    switch picture.kind {
                    case .png: .png
                    case .jpeg: .jpeg
                    case .webP: .webP
                    }
                var body = ResponseBody()
                body.append(picture.bytes)
                var response = Response(.ok, type, body)
                // A file may be a picture and something else besides, and is to be nothing but a picture.
                response.head.headerFields[.xContentTypeOptions] = "nosniff"
                response.head.headerFields[.contentSecurityPolicy] = "default-src 'none'; sandbox"
                return response
            }
        })
    }
}
