package import Memory
import Threads

/// An array that becomes an entry of an npz file, or any other file that becomes one of an archive.
package struct NpzEntry: Sendable {
    /// The name of the entry, with its suffix.
    fileprivate let name: String
    /// The bytes ahead of the content.
    fileprivate let front: [UInt8]
    fileprivate let content: [NpzPiece]

    /// - Parameters:
    ///   - name: The name that `np.load` gives the array, without `.npy`; at most 65000 bytes.
    ///   - content: The memory that the elements lie in, in order; together as many bytes as the layout says.
    package init(name: String, layout: TensorLayout, content: [(owner: any StableBytes, range: Range<Int>)]) {
        precondition(content.reduce(0) { $0 + $1.range.count } == layout.byteCount)
        self.init(file: name + ".npy", front: NpyEncoder.header(for: layout), content: content)
    }

    /// - Parameters:
    ///   - name: The name of the file; at most 65000 bytes.
    ///   - content: The memory that its bytes lie in, in order.
    package init(file name: String, content: [(owner: any StableBytes, range: Range<Int>)]) {
        self.init(file: name, front: [], content: content)
    }

    private init(file name: String, front: [UInt8], content: [(owner: any StableBytes, range: Range<Int>)]) {
        for (owner, range) in content {
            let available = unsafe owner.stableBytes.count
            precondition(range.lowerBound >= 0 && range.upperBound <= available)
        }
        precondition(name.utf8.count <= 65_004)
        self.name = name
        self.front = front
        self.content = content.filter { !$0.range.isEmpty }.map { NpzPiece(owner: $0.owner, range: $0.range) }
    }

    package init(name: String, layout: TensorLayout, owner: any StableBytes, range: Range<Int>) {
        self.init(name: name, layout: layout, content: [(owner, range)])
    }
}

/// A part of an npz file: a range of an owner's bytes.
package struct NpzPiece: Sendable {
    package let owner: any StableBytes
    /// Which of the owner's bytes: at least one, and all within the owner's bounds.
    package let range: Range<Int>
}

/// Encodes arrays as an npz file that is sent without a copy of the arrays.
package enum NpzEncoder {
    /// Lays out an archive of stored entries, as `np.savez` writes.
    ///
    /// Sizes stand before the content, so that the archive can be read as a stream. ZIP64 fields appear only if a size,
    /// an offset or the number of entries needs them.
    ///
    /// - Parameter entries: Arrays of different names.
    /// - Returns: The pieces of the archive, in order. One owner holds all bytes that are not elements of arrays.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    /// - Complexity: Reads every array once, for its checksum.
    /// - SeeAlso: PKWARE's APPNOTE.TXT 6.3.10, section 4.3.
    package static func archive(of entries: [NpzEntry]) throws(MemoryError) -> [NpzPiece] {
        try archive(of: entries, ZipWriter())
    }

    /// Lays out an archive as ``archive(of:)`` does, with ZIP64 fields for sizes and offsets beyond `narrowLimit`.
    static func archive(of entries: [NpzEntry], narrowLimit: UInt64) throws(MemoryError) -> [NpzPiece] {
        try archive(of: entries, ZipWriter(narrowLimit: narrowLimit))
    }

    private static func archive(
        of entries: [NpzEntry], _ writer: consuming ZipWriter
    ) throws(MemoryError) -> [NpzPiece] {
        DaemonThread.refuse("to encode an archive")
        var frontRanges: [Range<Int>] = []
        for entry in entries {
            let start = writer.bytes.count
            var checksum = CRC32()
            checksum.update(entry.front.span)
            for piece in entry.content {
                let content = unsafe UnsafeRawBufferPointer(rebasing: piece.owner.stableBytes[piece.range])
                unsafe content.withMemoryRebound(to: UInt8.self) { unsafe checksum.update($0.span) }
            }
            let byteCount = entry.content.reduce(0) { $0 + $1.range.count }
            writer.beginEntry(
                name: entry.name, checksum: checksum.value, size: UInt64(entry.front.count + byteCount))
            writer.bytes += entry.front
            writer.foreignCount += UInt64(byteCount)
            frontRanges.append(start..<writer.bytes.count)
        }
        let directoryStart = writer.bytes.count
        writer.endArchive()

        let records = try Buffer(writer.bytes)
        var pieces: [NpzPiece] = []
        for (front, entry) in zip(frontRanges, entries) {
            pieces.append(NpzPiece(owner: records, range: front))
            pieces += entry.content
        }
        pieces.append(NpzPiece(owner: records, range: directoryStart..<records.count))
        return pieces
    }
}
