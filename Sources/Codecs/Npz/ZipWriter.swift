/// Writes the records of a zip archive of stored entries. The entries' content is in other memory and is only counted
/// here.
struct ZipWriter {
    private struct Entry {
        let name: [UInt8]
        let checksum: UInt32
        let size: UInt64
        let offset: UInt64
    }

    private let narrowLimit: UInt64
    private var entries: [Entry] = []

    /// The records written so far.
    var bytes: [UInt8] = []
    /// How many bytes of content stand between these records.
    var foreignCount: UInt64 = 0

    /// - Parameter narrowLimit: The greatest size or offset that is written in 32 bits.
    init(narrowLimit: UInt64) {
        self.narrowLimit = narrowLimit
    }

    private var offset: UInt64 { UInt64(bytes.count) + foreignCount }

    /// Writes the local header of an entry (4.3.7).
    mutating func beginEntry(name: String, checksum: UInt32, size: UInt64) {
        let entry = Entry(name: Array(name.utf8), checksum: checksum, size: size, offset: offset)
        entries.append(entry)
        let isWide = size > narrowLimit
        bytes.append(integers: ZipLocalHeader.signature, version(isWide: isWide))
        appendCommonFields(of: entry, narrowSize: isWide ? .max : UInt32(size), extraByteCount: isWide ? 20 : 0)
        bytes += entry.name
        if isWide { bytes.append(integers: UInt16(1), UInt16(16), size, size) }
    }

    /// Writes the central directory and the end records.
    mutating func endArchive() {
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
        if entry.size > narrowLimit { wide.append(integers: entry.size, entry.size) }
        if entry.offset > narrowLimit { wide.append(integers: entry.offset) }
        let extraByteCount = wide.isEmpty ? 0 : UInt16(wide.count + 4)

        // The archive says that it was made on Unix, so that the file mode at the end of the record counts.
        bytes.append(
            integers: UInt32(0x0201_4B50), 0x0300 | version(isWide: !wide.isEmpty), version(isWide: !wide.isEmpty))
        appendCommonFields(of: entry, narrowSize: narrow(entry.size), extraByteCount: extraByteCount)
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
    private mutating func appendCommonFields(of entry: Entry, narrowSize: UInt32, extraByteCount: UInt16) {
        // Bit 11 says that the name is UTF-8. The time is 1 January 1980, as NumPy writes, since none is known.
        bytes.append(integers: UInt16(0x0800), UInt16(0), UInt16(0), UInt16(0x0021), entry.checksum)
        bytes.append(integers: narrowSize, narrowSize, UInt16(entry.name.count), extraByteCount)
    }

    private func version(isWide: Bool) -> UInt16 {
        isWide ? 45 : 20
    }

    private func narrow(_ value: UInt64) -> UInt32 {
        value > narrowLimit ? .max : UInt32(value)
    }
}
