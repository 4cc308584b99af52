import DatasetScoring
import HTTPTypes
import Scoring
import ServiceInterface
import WebService

/// A request for what a job knows of each pixel, of one image or of all.
struct PixelArrays {
    /// The form that a request asks for.
    ///
    /// - Parameter zips: Whether pictures come in an archive too.
    /// - Throws: A 406 problem if such an array comes in none that is wanted; 400 for a picture of all images.
    static func format(_ accept: String?, image: Int?, zips: Bool = false) throws(Problem) -> MediaType {
        let format = try MediaType.negotiated(accept, offers: [.npy, .npz, .json, .png] + (zips ? [.zip] : []))
        guard format != .png || image != nil else {
            throw Problem(
                .invalidParameter, "A picture shows one image.", parameter: "image",
                expected: "the index of an image")
        }
        return format
    }

    /// What the array is called.
    let name: String
    /// The index of the image; nil for all.
    let image: Int?
    let format: MediaType
    /// The field by which the format was chosen.
    let accept: String?
    /// What tells the bytes of the answer from all others.
    let tag: String
    /// Whether the images together can be one array.
    let areOneArray: Bool

    /// Makes the answer.
    ///
    /// - Parameters:
    ///   - elements: Makes the array of an image, or of all.
    /// - Throws: What `elements` throws; a 406 problem if images that are no one array are wanted as npy alone; 503 if
    ///   memory is short.
    func response(
        to head: HTTPRequest, of scores: DatasetScores, _ names: NameList?,
        _ elements: (Int?) throws(Problem) -> ArrayAnswer
    ) throws(Problem) -> Response {
        let isSeveral = image == nil && !areOneArray
        let images = image.map { $0..<$0 + 1 } ?? 0..<scores.imageCount
        switch isSeveral ? try Self.formatOfSeveral(format, accept) : format {
        case .png: return try .png(try elements(image))
        case .npy:
            return try Response.npy(try elements(image)).immutable(tag: tag, for: head)
        case .zip:
            let reservation = try Problem.reserve(images.count * Self.bytesOfAnImage)
            let pictures = try images.map { (image) throws(Problem) in
                (name: (names?[image] ?? Self.number(image)) + ".png", array: try elements(image))
            }
            return try .zip(pictures, reservation)
        case .npz:
            if images.count == 1 { _ = try elements(images.lowerBound) }
            let reservation = try Problem.reserve(images.count * Self.bytesOfAnImage)
            let named = try images.map { (image) throws(Problem) in
                (name: Self.name(of: name, ofImage: image, names), array: try elements(image))
            }
            return try .npz(named, reservation)
        default:
            guard isSeveral else {
                let array = try elements(image)
                return try .json { $0.elements(array) }
            }
            let listed = scores.imageCount * Self.bytesOfAnImage
            return try Problem.reserving(listed) { () throws(Problem) -> Response in
                let arrays = try images.map { (image) throws(Problem) in try elements(image) }
                return try .json(holding: listed) { $0.list(arrays) }
            }
        }
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

    /// What an image without a name is called.
    static func number(_ image: Int) -> String {
        let digits = String(image)
        return String(repeating: "0", count: max(6 - digits.count, 0)) + digits
    }

    /// The name of an image's member in an npz file.
    ///
    /// - Parameters:
    ///   - names: What the images are called; nil if they have numbers alone.
    static func name(of array: String, ofImage image: Int, _ names: NameList?) -> String {
        array + "/" + (names?[image] ?? number(image))
    }
}
