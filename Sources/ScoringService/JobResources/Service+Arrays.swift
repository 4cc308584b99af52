import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Scoring
import ServiceInterface
import WebService

/// The endpoints for the arrays of jobs.
extension Service {
    /// `GET /jobs/{id}/image_scores`, `/pixel_scores`, `/issues`, `/label_issues`
    func showArray(
        _ array: ScoreParameters.Array, of id: JobID, _ call: Call
    ) throws(Problem) -> any RequestHandler {
        let known: [String] =
            switch array {
            case .imageScores: []
            case .pixelScores: ["image"]
            case .issues: ["image", "threshold", "class"]
            case .labelIssues: ["image", "class"]
            }
        let parameters = try Parameters(target: call.request.head.path ?? "", known: known)
        let image = try parameters.integer("image", in: 0...Int(Int32.max))
        let classIndex = try parameters.integer("class", in: 0...ScoringShape.classLimit - 1)
        let threshold = try parameters.threshold()
        let accept = call.request.head.headerFields[.accept]
        let format: MediaType =
            array == .imageScores
            ? try .negotiated(accept, offers: [.npy, .json]) : try PixelArrays.format(accept, image: image)
        let head = call.request.head
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let threshold = job.details.issueThreshold(threshold)
                func elements(_ image: Int?) throws(Problem) -> ArrayAnswer {
                    try scores.elements(array, threshold: threshold, image: image, classIndex: classIndex)
                }
                // The arrays of a job never change, so the parameters of the request identify the bytes of the answer.
                let parts: [String?] = [
                    id.description, array.rawValue, image.map { "image\($0)" }, classIndex.map { "class\($0)" },
                    array == .issues ? "below\(threshold)" : nil,
                ]
                let tag = parts.compactMap(\.self).joined(separator: ".")
                guard array != .imageScores else {
                    let scores = try elements(nil)
                    guard format == .npy else { return try .json { $0.elements(scores) } }
                    return try Response.npy(scores).immutable(tag: tag, for: head)
                }
                let wanted = PixelArrays(
                    name: array.rawValue, image: image, format: format, accept: accept, tag: tag,
                    areOneArray: scores.space != nil)
                return try wanted.response(to: head, of: scores, job.details.names, elements)
            }
        })
    }
}

extension DatasetScores {
    /// Whether arrays of pixels are one for each image: images of folders may be of several sizes.
    ///
    /// - Parameter names: What images are called that came as files of folders; nil for others.
    func haveArraysOfImages(_ names: NameList?) -> Bool { space == nil || names != nil }

    /// Arrays with their names: one of each, or of those of pixels one of each image.
    ///
    /// - Parameters:
    ///   - threshold: The score below which a pixel is an issue.
    ///   - names: What images are called that came as files of folders; nil for others.
    /// - Throws: A 503 problem if memory is short.
    func named(
        _ arrays: [ScoreParameters.Array], threshold: Double, _ names: NameList?
    ) throws(Problem) -> [(name: String, array: ArrayAnswer)] {
        var result: [(name: String, array: ArrayAnswer)] = []
        for array in arrays {
            let isOfImages = array != .imageScores && haveArraysOfImages(names)
            let images: [Int?] = isOfImages ? Array(0..<imageCount) : [nil]
            for image in images {
                let name = image.map { array.name(ofImage: $0, names) } ?? array.rawValue
                result.append((name, try elements(array, threshold: threshold, image: image)))
            }
        }
        return result
    }
}

extension ScoreParameters.Array {
    /// The name of an image's member in an npz file, and of its file if each image is written to one.
    ///
    /// - Parameters:
    ///   - names: What the images are called; nil if they have numbers alone.
    func name(ofImage image: Int, _ names: NameList?) -> String {
        PixelArrays.name(of: rawValue, ofImage: image, names)
    }
}
