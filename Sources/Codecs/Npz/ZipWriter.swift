/// Writes a zip archive, whose bytes are taken as they come.
///
/// Content whose size is known is stored behind a header that tells it; it may also lie in other memory and only be
/// counted here. Content that comes in pieces is deflated, and its sizes follow it. All times are 1 January 1980, so
/// that equal content makes equal archives. ZIP64 fields appear only if a size, an offset or the number of entries
/// needs them.
///
/// - SeeAlso: PKWARE's APPNOTE.TXT 6.3.10, section 4.3.
package struct ZipWriter: ~Copyable, Sendable {
    private struct Entry {
        let name: [UInt8]
        let offset: UInt64
        /// Whether the content is deflated, and followed by its checksum and sizes.
        let isDeflated: Bool
        var checksum: UInt32 = 0
        var size: UInt64 = 0
        var compressedSize: UInt64 = 0
    }

    private let narrowLimit: UInt64
    private var entries: [Entry] = []
    private var deflater: Deflater?
    /// The checksum of the entry that is being deflated; nil if none is.
    private var checksum: CRC32?

    /// The bytes written so far that nobody has taken.
    var bytes: [UInt8] = []
    /// How many bytes stand ahead of these and, if content is in other memory, between them.
    var foreignCount: UInt64 = 0

    /// Creates a writer of an empty archive.
    package init() {
        // The greatest value of a field says that the real value stands in the ZIP64 field.
        self.init(narrowLimit: UInt64(UInt32.max) - 1)
    }

    /// - Parameter narrowLimit: The greatest size or offset that is written in 32 bits.
    init(narrowLimit: UInt64) {
        self.narrowLimit = narrowLimit
    }

    private var offset: UInt64 { UInt64(bytes.count) + foreignCount }

    /// How many bytes there are to take.
    package var count: Int { bytes.count }

    /// Takes the bytes written since the last call.
    package mutating func take() -> [UInt8] {
        foreignCount += UInt64(bytes.count)
        defer { bytes = [] }
        return bytes
    }

    /// Writes an entry whose content is stored.
    ///
    /// - Parameter name: At most 65535 bytes of UTF-8, with slashes between folders.
    package mutating func add(_ name: String, _ content: borrowing Span<UInt8>) {
        var checksum = CRC32()
        checksum.update(content)
        beginEntry(name: name, checksum: checksum.value, size: UInt64(content.count))
        unsafe content.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Begins an entry whose content comes in pieces and is deflated.
    ///
    /// - Parameter name: As ``add(_:_:)`` takes it.
    /// - Throws: ``CodecError/outOfMemory(byteCount:)``.
    package mutating func beginDeflated(_ name: String) throws(CodecError) {
        precondition(checksum == nil, "the entry before has not ended")
        if let deflater {
            deflater.reset()
        } else {
            deflater = try Deflater()
        }
        checksum = CRC32()
        let entry = Entry(name: Array(name.utf8), offset: offset, isDeflated: true)
        entries.append(entry)
        bytes.append(integers: ZipLocalHeader.signature, version(isWide: false))
        appendCommonFields(of: entry, extraByteCount: 0)
        bytes += entry.name
    }

    /// Writes the next bytes of the content that is deflated.
    package mutating func write(_ content: borrowing Span<UInt8>) {
        deflate(content, isLast: false)
    }

    /// Ends the content that is deflated (4.3.9).
    package mutating func endDeflated() {
        let nothing: [UInt8] = []
        deflate(nothing.span, isLast: true)
        let last = entries.count - 1
        entries[last].checksum = checksum?.value ?? 0
        checksum = nil
        let entry = entries[last]
        bytes.append(integers: UInt32(0x0807_4B50), entry.checksum)
        // Sizes that do not fit 32 bits have 64, as Go's archive/zip writes them: whether they do not is known too late
        // for the header, and whoever reads the directory at the end does not look here.
        if max(entry.size, entry.compressedSize) > narrowLimit {
            bytes.append(integers: entry.compressedSize, entry.size)
        } else {
            bytes.append(integers: UInt32(entry.compressedSize), UInt32(entry.size))
        }
    }

    private mutating func deflate(_ content: borrowing Span<UInt8>, isLast: Bool) {
        guard let deflater, checksum != nil else { preconditionFailure("no entry has begun") }
        checksum?.update(content)
        let start = bytes.count
        deflater.deflate(content, isLast: isLast, into: &bytes)
        entries[entries.count - 1].size += UInt64(content.count)
        entries[entries.count - 1].compressedSize += UInt64(bytes.count - start)
    }

    /// Writes the local header of an entry that is stored (4.3.7).
    mutating func beginEntry(name: String, checksum: UInt32, size: UInt64) {
        precondition(self.checksum == nil, "the entry before has not ended")
        let entry = Entry(
            name: Array(name.utf8), offset: offset, isDeflated: false, checksum: checksum, size: size,
            compressedSize: size)
        entries.append(entry)
        let isWide = size > narrowLimit
        bytes.append(integers: ZipLocalHeader.signature, version(isWide: isWide))
        appendCommonFields(of: entry, extraByteCount: isWide ? 20 : 0)
        bytes += entry.name
        if isWide { bytes.append(integers: UInt16(1), UInt16(16), size, size) }
    }

    /// Writes the central directory and the end records.
    package mutating func endArchive() {
        precondition(checksum == nil, "the last entry has not ended")
        let start = offset
        for entry in entries { appendDirectoryHeader(of: entry) }
        let size = offset - start
        let count = UInt64(entries.count)
        if count >= UInt64(UInt16.max) || size > narrowLimit || start > narrowLimit {
            let end = offset
            // 4.3.14 and 4.3.15: the ZIP64 end record and its locator.
            bytes.append(integers: UInt32(0x0606_4B50), UInt64(44), UInt16(0x032D), UInt16(45), UInt32(0), UInt32(0))
            bytes.append(integers: count, count, size, start)
            bytes.append(integers: UInt32(0x0706_4B50), UInt32(0), end, UInt32(1))
        }
        let narrowCount = UInt16(clamping: count)
        // 4.3.16: the end record.
        bytes.append(integers: UInt32(0x0605_4B50), UInt16(0), UInt16(0), narrowCount, narrowCount)
        bytes.append(integers: narrow(size), narrow(start), UInt16(0))
    }

    /// Writes an entry's header in the central directory (4.3.12).
    private mutating func appendDirectoryHeader(of entry: Entry) {
        var wide: [UInt8] = []
        if entry.size > narrowLimit { wide.append(integers: entry.size) }
        if entry.compressedSize > narrowLimit { wide.append(integers: entry.compressedSize) }
        if entry.offset > narrowLimit { wide.append(integers: entry.offset) }
        let extraByteCount = wide.isEmpty ? 0 : UInt16(wide.count + 4)

        // The archive says that it was made on Unix, so that the file mode at the end of the record counts.
        bytes.append(
            integers: UInt32(0x0201_4B50), 0x0300 | version(isWide: !wide.isEmpty), version(isWide: !wide.isEmpty))
        appendCommonFields(of: entry, extraByteCount: extraByteCount)
        // No comment, disk 0, binary content, readable and writable by its owner.
        bytes.append(integers: UInt16(0), UInt16(0), UInt16(0), UInt32(0o600) << 16, narrow(entry.offset))
        bytes += entry.name
        if !wide.isEmpty {
            bytes.append(integers: UInt16(1), UInt16(wide.count))
            bytes += wide
        }
    }

    /// Writes the fields that local header and directory have in common, from the flags to the length of the extra
    /// fields.
    private mutating func appendCommonFields(of entry: Entry, extraByteCount: UInt16) {
        // Bit 11 says that the name is UTF-8, and bit 3 that the sizes follow the content. The time is 1 January 1980,
        // as NumPy writes, since none is known.
        bytes.append(
            integers: UInt16(entry.isDeflated ? 0x0808 : 0x0800), UInt16(entry.isDeflated ? 8 : 0), UInt16(0),
            UInt16(0x0021), entry.checksum)
        bytes.append(
            integers: narrow(entry.compressedSize), narrow(entry.size), UInt16(entry.name.count), extraByteCount)
    }

    private func version(isWide: Bool) -> UInt16 {
        isWide ? 45 : 20
    }

    private func narrow(_ value: UInt64) -> UInt32 {
        value > narrowLimit ? .max : UInt32(value)
    }
}
