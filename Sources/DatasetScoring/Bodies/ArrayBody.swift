import Codecs
import HTTPTypes
import Scoring
package import ServiceInterface
package import WebService

/// Decodes a body that holds arrays: npz, safetensors, multipart or JSON, compressed or not.
///
/// The first bytes decide which of these a body is, because `curl --data-binary` and `requests` give it a wrong media
/// type or none.
package final class ArrayBody: BodyDecoder {
    /// The limits for the size of a body, in bytes.
    package struct Limits {
        /// The greatest size of the decoded body.
        package let bodyBytes: Int
        /// The greatest size of a JSON body, which is held in memory.
        package let jsonBytes: Int

        package init(bodyBytes: Int, jsonBytes: Int) {
            self.bodyBytes = bodyBytes
            self.jsonBytes = jsonBytes
        }
    }

    private let arrays: NamedArrays
    private let limits: Limits
    private let multipart: MultipartType?
    /// The process that sends the body; nil if it is not on this machine.
    private let client: IncomingRequest.Process?
    /// The media type that the head gives the body; empty if it gives none.
    private let mediaType: String
    /// The size of the decoded body in bytes, if the head tells it.
    private let byteCount: Int?
    private var coding: ContentDecoder
    /// The first bytes, until they are enough to choose the decoder.
    private var beginning: [UInt8] = []
    /// The decoder that the first bytes chose.
    private var decoder: (any BodyDecoder)?

    /// Creates a decoder.
    ///
    /// - Throws: A 411 problem if there is no body; 415 for a media type or a content coding in which no arrays come.
    package init(
        _ request: IncomingRequest, limits: Limits, inputs: any RequestInputs
    ) throws(Problem) {
        arrays = NamedArrays(of: inputs)
        self.limits = limits
        client = request.process
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

    /// Tells the decoder that the body has ended. The work is quick, so the thread that reads the connection may do it.
    ///
    /// - Throws: A 400 problem if the body is empty or ends early.
    package func finish() throws(Problem) {
        try coding.finish()
        if decoder == nil, !beginning.isEmpty { try explaining { () throws(Problem) in try choose() } }
        guard let decoder else {
            throw .malformedBody("The body is empty.", expected: Self.accepted, actual: "0 bytes")
        }
        try explaining { () throws(Problem) in try decoder.finish() }
    }

    /// Adds advice to the problem of a body that was sent with curl's `-d`. That option removes line breaks and zeros
    /// from a file, and declares it a URL-encoded form.
    private func explaining(_ body: () throws(Problem) -> Void) throws(Problem) {
        do throws(Problem) {
            try body()
        } catch {
            let isDamaged = mediaType == Self.formMediaType && !(decoder is JSONBody)
            guard isDamaged, error.type == .malformedBody || error.type == .unsupportedMediaType else {
                throw error
            }
            throw error.explained("curl's -d changes what is in files: use --data-binary.")
        }
    }

    /// Hands on the arrays and parameters that had to wait for the end. The work may take long, so a worker has to do
    /// it.
    ///
    /// - Throws: A problem with the body, or with the arrays in it.
    package func complete() throws(Problem) {
        try decoder?.complete()
    }

    private func take(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        if let decoder { return try decoder.receive(bytes) }
        let count = min(SafetensorsHeaderReader.beginningByteCount - beginning.count, bytes.count)
        for index in 0..<count { beginning.append(bytes[index]) }
        guard beginning.count == SafetensorsHeaderReader.beginningByteCount else { return }
        try choose()
        if count < bytes.count { try decoder?.receive(bytes.extracting(count..<bytes.count)) }
    }

    /// Chooses the decoder by the first bytes, of which there is at least one, and hands these on.
    private func choose() throws(Problem) {
        let decoder = try makeDecoder()
        self.decoder = decoder
        let bytes = beginning
        beginning = []
        try decoder.receive(bytes.span)
    }

    private func makeDecoder() throws(Problem) -> any BodyDecoder {
        let firstByte = beginning[0]
        let isCalledSafetensors = Self.safetensorsMediaTypes.contains(mediaType)
        switch firstByte {
        case _ where SafetensorsHeaderReader.begins(beginning):
            return SafetensorsBody(arrays, byteLimit: limits.bodyBytes)
        case _ where isCalledSafetensors && !beginning.starts(with: Array("PK".utf8)):
            return SafetensorsBody(arrays, byteLimit: limits.bodyBytes)
        case UInt8(ascii: "P"): return NpzBody(arrays, byteLimit: limits.bodyBytes)
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"),
            UInt8(ascii: "\n"):
            if firstByte == UInt8(ascii: "\r"), let multipart { return try makeDecoder(multipart) }
            return JSONBody(arrays, of: client, byteLimit: limits.jsonBytes)
        // The first case is the first byte of a byte order mark, the second a body that claims to be JSON and is no
        // object.
        case 0xEF where multipart == nil: return JSONBody(arrays, of: client, byteLimit: limits.jsonBytes)
        case _ where mediaType == "application/json": return JSONBody(arrays, of: client, byteLimit: limits.jsonBytes)
        default:
            if let multipart { return try makeDecoder(multipart) }
            if firstByte == UInt8(ascii: "-") {
                throw .malformedBody(
                    "The body looks like a form, but its Content-Type is not multipart/form-data with a boundary.",
                    expected: "Content-Type: multipart/form-data; boundary=…")
            }
            throw Problem(
                .unsupportedMediaType,
                "The body is none of the forms that arrays come in here.", expected: Self.accepted,
                actual: "a body that begins with the byte 0x" + String(firstByte, radix: 16))
        }
    }

    private func makeDecoder(_ multipart: MultipartType) throws(Problem) -> any BodyDecoder {
        try MultipartBody(arrays, multipart, limits, byteCount: byteCount)
    }

    private static let accepted =
        "an npz or safetensors file, multipart/form-data with one file an array, or application/json"

    /// The media type that curl gives to any data.
    private static let formMediaType = "application/x-www-form-urlencoded"

    private static let safetensorsMediaTypes = ["application/vnd.safetensors", "application/x-safetensors"]

    private static let mediaTypes =
        ["application/x-npz", "application/zip"] + safetensorsMediaTypes + [
            "application/octet-stream", formMediaType, "multipart/form-data", "application/json",
        ]

    private static func checkedMediaType(_ field: String?) throws(Problem) -> String {
        guard let field, !field.isEmpty else { return "" }
        let type = field.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        guard mediaTypes.contains(type) else {
            throw Problem(
                .unsupportedMediaType, "Arrays do not come as \(type) here.",
                parameter: "Content-Type", expected: mediaTypes.joined(separator: ", "), actual: field
            ).with(.accept, mediaTypes.joined(separator: ", "))
        }
        return type
    }
}
