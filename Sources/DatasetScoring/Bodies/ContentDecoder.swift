package import HTTPTypes
import TensorCodecs
package import WebService

/// Undoes the content coding of a body as it arrives.
package struct ContentDecoder {
    /// A coding, by its name in `Content-Encoding`.
    package enum Coding: String {
        case gzip
        /// A zlib stream (RFC 9110, section 8.4.1.2), or bare deflate data, which some clients send instead.
        case deflate
    }

    /// The size of the decoded body, if the head tells it.
    package let byteCount: Int?
    private var decoder: GzipDecoder?

    /// - Parameters:
    ///   - byteLimit: The most bytes that the body may decompress to.
    /// - Throws: 415 for a coding that is not understood.
    package init(_ fields: HTTPFields, understood: [Coding], byteLimit: Int) throws(Problem) {
        let name = fields[.contentEncoding]?.lowercased() ?? ""
        guard !["", "identity"].contains(name) else {
            byteCount = fields[.transferEncoding] == nil ? fields[.contentLength].flatMap { Int($0) } : nil
            return
        }
        byteCount = nil
        guard let coding = Coding(rawValue: name == "x-gzip" ? "gzip" : name), understood.contains(coding) else {
            let expected = understood.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .unsupportedMediaType, "The content coding \(name) is not understood.",
                parameter: "Content-Encoding", expected: expected, actual: name
            ).with(.acceptEncoding, expected)
        }
        decoder = GzipDecoder(coding == .gzip ? .gzip : .deflate, byteLimit: byteLimit)
    }

    /// Takes the next bytes of the body.
    ///
    /// - Parameter output: Takes the decoded bytes, piece by piece.
    /// - Throws: What `output` throws, and 400 or 413 for what cannot be decompressed.
    package mutating func decode(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        guard decoder != nil else { return try output(bytes) }
        try decoder?.decode(bytes, output)
    }

    /// The body is complete.
    ///
    /// - Throws: 400 if the compressed bytes end early.
    package func finish() throws(Problem) {
        do throws(CodecError) {
            try decoder?.finish()
        } catch {
            throw Problem(error)
        }
    }
}
