import Memory

/// One entry of a zip archive while it is read: what its header says, and what has been found so far.
final class ZipEntry {
    private enum Content {
        /// Stored content; the number is that of the bytes still to come.
        case stored(UInt64)
        /// Stored content, whose size only its npy header tells.
        case npy(NpyHeaderReader)
        /// Deflated content; the number is that of the compressed bytes still to come, if the header says it.
        case deflated(Inflater, UInt64?)
    }

    /// The most bytes that are handed on at once: few enough to stay in the first caches between the checksum and the
    /// receiver.
    private static let pieceSize = 64 << 10

    let name: String
    let header: ZipLocalHeader
    private var content: Content
    private var compressedSize: UInt64 = 0
    private var size: UInt64 = 0
    private var checksum = CRC32()

    /// - Parameters:
    ///   - header: The entry's header, whose extra fields have been read.
    ///   - makeInflater: Gives an inflater that is ready for a new stream.
    /// - Throws: ``CodecError/zipEncrypted(entry:)``, ``CodecError/zipMethod(entry:_:)``,
    ///   ``CodecError/zipSize(entry:expected:actual:)``, or what `makeInflater` throws.
    init(
        name: String, header: ZipLocalHeader, makeInflater: () throws(CodecError) -> Inflater
    ) throws(CodecError) {
        guard !header.isEncrypted else { throw .zipEncrypted(entry: name) }
        switch (header.method, header.knownCompressedSize) {
        case (0, let stored?):
            if let size = header.knownSize, size != stored {
                throw .zipSize(entry: name, expected: size, actual: stored)
            }
            content = .stored(stored)
        case (0, nil):
            // A folder has no content, whether its sizes follow or not.
            content = name.hasSuffix("/") ? .stored(0) : .npy(NpyHeaderReader())
        case (8, let deflated):
            guard deflated != 0 else { throw .zipTruncated(entry: name) }
            content = .deflated(try makeInflater(), deflated)
        case (let method, _):
            throw .zipMethod(entry: name, method)
        }
        self.name = name
        self.header = header
    }

    /// Whether there is no content at all.
    var isEmpty: Bool {
        guard case .stored(0) = content else { return false }
        return true
    }

    /// Decodes those of `bytes` that belong to the content. There is at least one byte.
    ///
    /// - Parameters:
    ///   - budget: The most bytes that the content may still decode to.
    ///   - limit: The limit that an error names.
    ///   - receive: Takes the decoded bytes.
    /// - Returns: How many of `bytes` belong to the content, and whether it has ended.
    func decode<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, budget: Int, limit: Int,
        _ receive: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> (consumed: Int, isAtEnd: Bool) {
        switch content {
        case .stored(let remaining):
            let count = Int(min(remaining, UInt64(bytes.count)))
            content = .stored(remaining - UInt64(count))
            try pass(bytes.extracting(0..<count), budget, limit, receive)
            compressedSize += UInt64(count)
            return (count, remaining == UInt64(count))

        case .npy(var reader):
            let count: Int
            // While the reader adds to its bytes, nobody else may hold them: they would be copied.
            content = .stored(0)
            do {
                count = try reader.read(bytes)
            } catch {
                throw Failure(error)
            }
            content = .npy(reader)
            if let layout = reader.layout {
                guard layout.byteCount <= budget else { throw Failure(.tooLarge(limit: limit)) }
                content = .stored(UInt64(layout.byteCount))
            }
            try pass(bytes.extracting(0..<count), budget, limit, receive)
            compressedSize += UInt64(count)
            return (count, isEmpty)

        case .deflated(let inflater, let remaining):
            let available = Int(min(remaining ?? .max, UInt64(bytes.count)))
            var left = budget
            let result = try inflater.inflate(bytes.extracting(0..<available)) { (decoded) throws(Failure) in
                try pass(decoded, left, limit, receive)
                left -= decoded.count
            }
            compressedSize += UInt64(result.consumed)
            if let remaining {
                guard result.isAtEnd || UInt64(result.consumed) < remaining else {
                    throw Failure(.zipTruncated(entry: name))
                }
                content = .deflated(inflater, remaining - UInt64(result.consumed))
            }
            return result
        }
    }

    /// Compares what was found with what the archive says.
    ///
    /// - Throws: ``CodecError/zipSize(entry:expected:actual:)`` or ``CodecError/zipChecksum(entry:expected:actual:)``.
    func verify(checksum: UInt32, compressedSize: UInt64, size: UInt64) throws(CodecError) {
        guard compressedSize == self.compressedSize else {
            throw .zipSize(entry: name, expected: compressedSize, actual: self.compressedSize)
        }
        guard size == self.size else { throw .zipSize(entry: name, expected: size, actual: self.size) }
        guard checksum == self.checksum.value else {
            throw .zipChecksum(entry: name, expected: checksum, actual: self.checksum.value)
        }
    }

    /// Whether the sizes in the descriptor have 64 bits. They do if the header has a ZIP64 field (4.3.9.2), and if they
    /// would not fit otherwise, since Go's writer widens them without such a field.
    var hasWideDescriptor: Bool {
        header.isZip64 || max(compressedSize, size) > UInt64(UInt32.max)
    }

    private func pass<Failure: CodecFailure>(
        _ decoded: borrowing Span<UInt8>, _ budget: Int, _ limit: Int,
        _ receive: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        guard decoded.count <= budget else { throw Failure(.tooLarge(limit: limit)) }
        size += UInt64(decoded.count)
        if let stated = header.knownSize, size > stated {
            throw Failure(.zipSize(entry: name, expected: stated, actual: size))
        }
        var start = 0
        while start < decoded.count {
            let end = min(start + Self.pieceSize, decoded.count)
            let piece = decoded.extracting(start..<end)
            checksum.update(piece)
            try receive(piece)
            start = end
        }
    }
}
