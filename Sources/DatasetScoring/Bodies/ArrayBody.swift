import HTTPTypes
import Scoring
package import ServiceInterface
import TensorCodecs
package import WebService

/// Reads a body that holds arrays: npz, multipart or JSON, gzipped or not.
///
/// The forms are told apart by their first bytes: what `curl --data-binary` and `requests` say of them is wrong or
/// missing.
package final class ArrayBody: BodyReader {
    /// One form of body.
    typealias Form = BodyReader

    /// The sizes that a body is held to.
    package struct Limits {
        package let bodyBytes: Int
        package let jsonBytes: Int

        package init(bodyBytes: Int, jsonBytes: Int) {
            self.bodyBytes = bodyBytes
            self.jsonBytes = jsonBytes
        }
    }

    private let intake: ArrayIntake
    private let limits: Limits
    private let multipart: MultipartType?
    /// What the head says that the body is; empty where it says nothing.
    private let mediaType: String
    /// The size of the body as it is read, where the head tells it.
    private let byteCount: Int?
    private var coding: ContentDecoder
    private var form: (any Form)?

    /// - Throws: 411 where there is no body, 415 for a media type or coding that no array comes in.
    package init(
        _ request: IncomingRequest, limits: Limits, destination: any ArrayDestination
    ) throws(Problem) {
        intake = ArrayIntake(destination)
        self.limits = limits
        let fields = request.head.headerFields
        multipart = MultipartType(fields[.contentType])
        try request.requireBody()
        mediaType = try Self.checkedMediaType(fields[.contentType])
        coding = try ContentDecoder(fields, understood: [.gzip, .deflate], byteLimit: limits.bodyBytes)
        byteCount = coding.byteCount
    }

    package func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try explaining { () throws(Problem) in
            try coding.decode(bytes) { (decoded) throws(Problem) in try take(decoded) }
        }
    }

    /// The body has ended.
    package func finish() throws(Problem) {
        try coding.finish()
        guard let form else {
            throw .malformedBody("The body is empty.", expected: Self.accepted, actual: "0 bytes")
        }
        try explaining { () throws(Problem) in try form.finish() }
    }

    /// What curl's `-d` sends of a file lacks its line breaks and zeros, and is called a URL-encoded form.
    private func explaining(_ body: () throws(Problem) -> Void) throws(Problem) {
        do throws(Problem) {
            try body()
        } catch {
            let isDamaged = mediaType == Self.formMediaType && !(form is JSONForm)
            guard isDamaged, error.slug == "malformed-body" || error.slug == "unsupported-media-type" else {
                throw error
            }
            throw error.explained("curl's -d changes what is in files: use --data-binary.")
        }
    }

    /// Hands on what the form kept for the end. May take long: for workers.
    package func complete() throws(Problem) {
        try form?.complete()
    }

    private func take(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        if let form { return try form.receive(bytes) }
        guard !bytes.isEmpty else { return }
        let form = try makeForm(firstByte: bytes[0])
        self.form = form
        try form.receive(bytes)
    }

    private func makeForm(firstByte: UInt8) throws(Problem) -> any Form {
        switch firstByte {
        case UInt8(ascii: "P"): return NpzForm(intake, byteLimit: limits.bodyBytes)
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"),
            UInt8(ascii: "\n"):
            if firstByte == UInt8(ascii: "\r"), let multipart { return try makeForm(multipart) }
            return JSONForm(intake, byteLimit: limits.jsonBytes)
        // A byte order mark, or what says of itself that it is JSON and then is no object.
        case 0xEF where multipart == nil: return JSONForm(intake, byteLimit: limits.jsonBytes)
        case _ where mediaType == "application/json": return JSONForm(intake, byteLimit: limits.jsonBytes)
        default:
            if let multipart { return try makeForm(multipart) }
            if firstByte == UInt8(ascii: "-") {
                throw .malformedBody(
                    "The body looks like a form, but its Content-Type is not multipart/form-data with a boundary.",
                    expected: "Content-Type: multipart/form-data; boundary=…")
            }
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type",
                "The body is none of the forms that arrays come in here.", expected: Self.accepted,
                actual: "a body that begins with the byte 0x" + String(firstByte, radix: 16))
        }
    }

    private func makeForm(_ multipart: MultipartType) throws(Problem) -> any Form {
        try MultipartForm(intake, multipart, limits, byteCount: byteCount)
    }

    private static let accepted =
        "an npz file, multipart/form-data with one npy file an array, or application/json"

    /// curl calls any data so.
    private static let formMediaType = "application/x-www-form-urlencoded"

    private static let mediaTypes = [
        "application/x-npz", "application/zip", "application/octet-stream", formMediaType, "multipart/form-data",
        "application/json",
    ]

    private static func checkedMediaType(_ field: String?) throws(Problem) -> String {
        guard let field, !field.isEmpty else { return "" }
        let type = field.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        guard mediaTypes.contains(type) else {
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type", "Arrays do not come as \(type) here.",
                parameter: "Content-Type", expected: mediaTypes.joined(separator: ", "), actual: field
            ).with(.accept, mediaTypes.joined(separator: ", "))
        }
        return type
    }
}
