/// Decompresses a stream as its bytes arrive, in constant memory.
///
/// The stream is gzip of one or more members (RFC 1952), or what HTTP calls deflate: zlib (RFC 1950), or the bare
/// deflate data (RFC 1951) that some clients send by that name and that browsers take.
///
/// A decoder that has thrown is of no further use.
package struct GzipDecoder {
    /// The format of the stream.
    package enum Format: Sendable {
        case gzip
        /// A zlib stream or bare deflate data, whichever the first bytes tell.
        case deflate
    }

    private let byteLimit: Int
    private let format: Format
    /// The first byte of a deflate stream, until the second tells what the stream is.
    private var held: UInt8?
    private var decodedCount = 0
    private var inflater: Inflater?
    private var isBetweenMembers = false

    /// - Parameter byteLimit: The most bytes that the whole stream may decompress to.
    package init(_ format: Format = .gzip, byteLimit: Int) {
        self.byteLimit = byteLimit
        self.format = format
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter output: Takes the decompressed bytes, piece by piece.
    /// - Throws: What `output` throws, or an error made from ``CodecError/tooLarge(limit:)`` or, for checksums and
    ///   sizes that do not match too, from ``CodecError/deflate(reason:)``.
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

    /// Whether two bytes begin a zlib stream: its compression method is deflate, its window has an allowed size, and
    /// its check bits are right (RFC 1950, section 2.2).
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
