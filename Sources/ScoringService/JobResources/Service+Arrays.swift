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
        let offers: [MediaType] = array == .imageScores ? [.npy, .json] : [.npy, .npz, .json, .png]
        let format = try MediaType.negotiated(accept, offers: offers)
        guard format != .png || image != nil else {
            throw Problem(
                .invalidParameter, "A picture shows one image.", parameter: "image",
                expected: "the index of an image")
        }
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
                let isSeveral = array != .imageScores && image == nil && scores.space == nil
                switch isSeveral ? try Self.formatOfSeveral(format, accept) : format {
                case .png: return try .png(try elements(image))
                case .npy: return try Response.npy(try elements(image)).immutable(tag: tag, for: head)
                case .npz:
                    let images = image.map { $0..<$0 + 1 } ?? 0..<scores.imageCount
                    if images.count == 1 { _ = try elements(images.lowerBound) }
                    let reservation = try Problem.reserve(images.count * Self.bytesOfAnImage)
                    let named = try images.map { (image) throws(Problem) in
                        (name: array.name(ofImage: image, job.details.names), array: try elements(image))
                    }
                    return try .npz(named, reservation)
                default:
                    guard isSeveral else {
                        let array = try elements(image)
                        return try .json { $0.elements(array) }
                    }
                    let listed = scores.imageCount * Self.bytesOfAnImage
                    return try Problem.reserving(listed) { () throws(Problem) -> Response in
                        let arrays = try (0..<scores.imageCount).map { (image) throws(Problem) in try elements(image) }
                        return try .json(holding: listed) { $0.list(arrays) }
                    }
                }
            }
        })
    }

    /// The memory that an image takes, besides its elements, if it is answered as an array of its own: its place in
    /// lists, and its headers in an archive. In bytes.
    static let bytesOfAnImage = 1024

    /// The format for images of several sizes, which no single array can hold.
    ///
    /// - Throws: A 406 problem if the client accepts only one array.
    static func formatOfSeveral(_ format: MediaType, _ accept: String?) throws(Problem) -> MediaType {
        guard format == .npy else { return format }
        do throws(Problem) {
            return try .negotiated(accept, offers: [.npz, .json])
        } catch {
            throw Problem(
                .notAcceptable,
                "The images are of several sizes, which one npy array cannot hold; "
                    + "ask for one with image=, or for npz.",
                parameter: "Accept", expected: "application/x-npz, application/json", actual: accept ?? "")
        }
    }
}

extension DatasetScores {
    /// Whether arrays of pixels are one for each image: images of folders, which have names, may be of several sizes.
    func haveArraysOfImages(_ names: ImageNames?) -> Bool { space == nil || names != nil }

    /// Arrays with their names: one of each, or of those of pixels one of each image.
    ///
    /// - Parameters:
    ///   - threshold: The score below which a pixel is an issue.
    ///   - names: What the images are called; nil if they have numbers alone.
    /// - Throws: A 503 problem if memory is short.
    func named(
        _ arrays: [ScoreParameters.Array], threshold: Double, _ names: ImageNames?
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
    func name(ofImage image: Int, _ names: ImageNames?) -> String {
        if let names { return rawValue + "/" + names[image] }
        let digits = String(image)
        return rawValue + "/" + String(repeating: "0", count: max(6 - digits.count, 0)) + digits
    }
}
