/// Decompresses a gzip stream of one or more members (RFC 1952) as its bytes arrive, in constant memory; or one of zlib
/// (RFC 1950), which HTTP calls deflate.
///
/// A decoder that has thrown is of no further use.
package struct GzipDecoder {
    /// What the stream is.
    package enum Format: Sendable {
        case gzip, zlib
    }

    private let byteLimit: Int
    private let format: Inflater.Format
    private var decodedCount = 0
    private var inflater: Inflater?
    private var isBetweenMembers = false

    /// - Parameter byteLimit: How many bytes the whole stream may decompress to.
    package init(_ format: Format = .gzip, byteLimit: Int) {
        self.byteLimit = byteLimit
        self.format =
            switch format {
            case .gzip: .gzip
            case .zlib: .zlib
            }
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter output: Takes the decompressed bytes, piece by piece.
    /// - Throws: What `output` throws, or made from ``CodecError/deflate(reason:)``, which checksums and sizes that do
    ///   not match are too, or from ``CodecError/tooLarge(limit:)``.
    package mutating func decode<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let inflater = try openInflater(Failure.self)
        var position = 0
        while position < bytes.count {
            if isBetweenMembers { inflater.reset() }
            isBetweenMembers = false
            let rest = bytes.extracting(position..<bytes.count)
            let result = try inflater.inflate(rest) { (decoded) throws(Failure) in
                guard decoded.count <= byteLimit - decodedCount else { throw Failure(.tooLarge(limit: byteLimit)) }
                decodedCount += decoded.count
                try output(decoded)
            }
            position += result.consumed
            isBetweenMembers = result.isAtEnd
        }
    }

    /// The stream is complete.
    ///
    /// - Throws: ``CodecError/gzipTruncated``.
    package func finish() throws(CodecError) {
        guard isBetweenMembers else { throw .gzipTruncated }
    }

    private mutating func openInflater<Failure: CodecFailure>(_: Failure.Type) throws(Failure) -> Inflater {
        if let inflater { return inflater }
        do {
            let opened = try Inflater(format)
            inflater = opened
            return opened
        } catch {
            throw Failure(error)
        }
    }
}
