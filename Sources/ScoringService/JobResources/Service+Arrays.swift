import HTTPTypes
import Jobs
import Scoring
import ServiceInterface

/// The arrays of jobs.
extension Service {
    /// `GET /jobs/{id}/image_scores`, `/pixel_scores`, `/issues`, `/label_issues`
    func showArray(
        _ array: ScoreParameters.Array, of id: JobID, _ request: IncomingRequest
    ) throws(Problem) -> any Intake {
        let known: [String] =
            switch array {
            case .imageScores: []
            case .pixelScores: ["image"]
            case .issues: ["image", "threshold", "class"]
            case .labelIssues: ["image", "class"]
            }
        let parameters = try Parameters(target: request.head.path ?? "", known: known)
        let image = try parameters.integer("image", in: 0...Int(Int32.max))
        let classIndex = try parameters.integer("class", in: 0...ScoringShape.classLimit - 1)
        let threshold = try parameters.threshold()
        let offers: [MediaType] = array == .imageScores ? [.npy, .json] : [.npy, .json, .png]
        let form = try MediaType.negotiated(request.head.headerFields[.accept], offers: offers)
        guard form != .png || image != nil else {
            throw Problem(
                .badRequest, "invalid-parameter", "A picture shows one image.", parameter: "image",
                expected: "the index of an image")
        }
        let head = request.head
        return BodilessIntake(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let threshold = job.details.issueThreshold(threshold)
                let elements: ArrayAnswer =
                    switch array {
                    case .imageScores: .imageScores(of: scores)
                    case .pixelScores: try .pixelScores(of: scores, image: image)
                    case .issues:
                        try .issues(of: scores, threshold: threshold, image: image, classIndex: classIndex)
                    case .labelIssues: try .labelIssues(of: scores, image: image, classIndex: classIndex)
                    }
                switch form {
                case .png: return try .png(elements)
                case .npy:
                    // A job's arrays never change, so what names the request names the bytes.
                    let parts = [
                        id.description, array.rawValue, image.map { "image\($0)" }, classIndex.map { "class\($0)" },
                        array == .issues ? "below\(threshold)" : nil,
                    ]
                    let tag = parts.compactMap(\.self).joined(separator: ".")
                    return try Response.npy(elements).immutable(tag: tag, for: head)
                default: return try .json(elements)
                }
            }
        })
    }
}
