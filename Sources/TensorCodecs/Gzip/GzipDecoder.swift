/// Decompresses a gzip stream of one or more members (RFC 1952) as its bytes arrive, in constant memory; or one of zlib
/// (RFC 1950), which HTTP calls deflate, or the bare deflate data (RFC 1951) that some send by that name and browsers take.
///
/// A decoder that has thrown is of no further use.
package struct GzipDecoder {
    /// What the stream is.
    package enum Format: Sendable {
        case gzip
        /// A zlib stream, or by its first bytes bare deflate data.
        case deflate
    }

    private let byteLimit: Int
    private let format: Format
    /// The first byte of a stream that may be of zlib, until the second tells.
    private var held: UInt8?
    private var decodedCount = 0
    private var inflater: Inflater?
    private var isBetweenMembers = false

    /// - Parameter byteLimit: How many bytes the whole stream may decompress to.
    package init(_ format: Format = .gzip, byteLimit: Int) {
        self.byteLimit = byteLimit
        self.format = format
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter output: Takes the decompressed bytes, piece by piece.
    /// - Throws: What `output` throws, or made from ``CodecError/deflate(reason:)``, which checksums and sizes that do
    ///   not match are too, or from ``CodecError/tooLarge(limit:)``.
    package mutating func decode<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        guard inflater == nil, format == .deflate else { return try inflate(bytes, output) }
        guard !bytes.isEmpty else { return }
        guard let first = held else {
            guard bytes.count > 1 else {
                held = bytes[0]
                return
            }
            inflater = try makeInflater(Failure.self, Self.isZlib(bytes[0], bytes[1]) ? .zlib : .raw)
            return try inflate(bytes, output)
        }
        inflater = try makeInflater(Failure.self, Self.isZlib(first, bytes[0]) ? .zlib : .raw)
        held = nil
        try inflate([first].span, output)
        try inflate(bytes, output)
    }

    /// The compression method is deflate, the window is one that may be, and the check bits are right (RFC 1950, section 2.2).
    private static func isZlib(_ first: UInt8, _ second: UInt8) -> Bool {
        first & 0x0F == 8 && first >> 4 <= 7 && (UInt16(first) << 8 | UInt16(second)) % 31 == 0
    }

    private mutating func inflate<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let inflater: Inflater
        if let opened = self.inflater {
            inflater = opened
        } else {
            inflater = try makeInflater(Failure.self, .gzip)
            self.inflater = inflater
        }
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

    private func makeInflater<Failure: CodecFailure>(
        _: Failure.Type, _ format: Inflater.Format
    ) throws(Failure) -> Inflater {
        do {
            return try Inflater(format)
        } catch {
            throw Failure(error)
        }
    }
}
