import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Scoring
import ServiceInterface
import WebService

/// The endpoint for what the labels of a job are of.
extension Service {
    /// `GET /jobs/{id}/images/{image}`
    func showPicture(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        let text = call["image"] ?? ""
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                guard let folder = job.details.parameters.images else {
                    throw Problem(
                        .noImages, "The job came without pictures.",
                        expected: "a job with images, the path of a folder beneath --data-dir")
                }
                guard let image = Int(text), (0..<scores.imageCount).contains(image), String(image) == text else {
                    throw Problem(
                        .noImages, "The job has no image \"\(text)\".", parameter: "image",
                        expected: "an index from 0 to \(scores.imageCount - 1)", actual: text)
                }
                let picture = try self.configuration.dataDirectories.pictures(folder).picture(
                    named: job.details.names?[image], image: image)
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
