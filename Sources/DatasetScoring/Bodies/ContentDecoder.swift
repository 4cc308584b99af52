import Codecs
package import HTTPTypes
package import WebService

/// Undoes the content coding of a body as it arrives.
package struct ContentDecoder {
    /// A content coding; its raw value is the name in `Content-Encoding`.
    package enum Coding: String {
        case gzip
        /// A zlib stream (RFC 9110, section 8.4.1.2), or bare deflate data, which some clients send instead.
        case deflate
    }

    /// The size of the decoded body in bytes; nil if the head does not tell it.
    package let byteCount: Int?
    private var decoder: GzipDecoder?

    /// Chooses the decoder for the content coding that the fields name.
    ///
    /// - Parameters:
    ///   - fields: The fields of the request.
    ///   - understood: The codings that are accepted here.
    ///   - byteLimit: The most bytes that the body may decompress to.
    /// - Throws: A 415 problem for any other coding.
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
    /// - Throws: What `output` throws; a 400 problem for bytes that cannot be decompressed; 413 if they become too
    ///   many.
    package mutating func decode(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        guard decoder != nil else { return try output(bytes) }
        try decoder?.decode(bytes, output)
    }

    /// Tells the decoder that the body is complete.
    ///
    /// - Throws: A 400 problem if the compressed bytes end early.
    package func finish() throws(Problem) {
        do throws(CodecError) {
            try decoder?.finish()
        } catch {
            throw Problem(error)
        }
    }
}
