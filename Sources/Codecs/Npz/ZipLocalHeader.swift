/// The record in front of an entry of a zip archive.
///
/// - SeeAlso: PKWARE's APPNOTE.TXT, sections 4.3.7 and 4.5.3.
struct ZipLocalHeader {
    static let signature: UInt32 = 0x0403_4B50
    /// The size of the part before the name.
    static let fixedByteCount = 30

    private static let wide32 = UInt64(UInt32.max)

    private let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    private(set) var compressedSize: UInt64
    private(set) var size: UInt64
    let nameByteCount: Int
    let extraByteCount: Int

    /// The place of the name in the record.
    var nameRange: Range<Int> { Self.fixedByteCount..<Self.fixedByteCount + nameByteCount }

    /// Whether the entry has a ZIP64 field, which widens the sizes in its data descriptor too.
    private(set) var isZip64 = false

    /// - Parameter record: The record, or at least its fixed part.
    init(_ record: [UInt8]) {
        flags = record.integer(at: 6, as: UInt16.self)
        method = record.integer(at: 8, as: UInt16.self)
        checksum = record.integer(at: 14, as: UInt32.self)
        compressedSize = UInt64(record.integer(at: 18, as: UInt32.self))
        size = UInt64(record.integer(at: 22, as: UInt32.self))
        nameByteCount = Int(record.integer(at: 26, as: UInt16.self))
        extraByteCount = Int(record.integer(at: 28, as: UInt16.self))
    }

    /// Whether the content or the header itself is encrypted (bits 0, 6 and 13).
    var isEncrypted: Bool { flags & 0x2041 != 0 }

    /// Whether checksum and sizes follow the content (bit 3).
    var hasDescriptor: Bool { flags & 0x0008 != 0 }

    /// The compressed size, if the header says it. A writer that cannot seek leaves it zero; in a header with a ZIP64
    /// field it leaves the mark that the size stands in that field, and there zero.
    var knownCompressedSize: UInt64? {
        hasDescriptor && (compressedSize == 0 || compressedSize == Self.wide32) ? nil : compressedSize
    }

    /// The size, if the header says it.
    var knownSize: UInt64? {
        hasDescriptor && (size == 0 || size == Self.wide32) ? nil : size
    }

    /// Takes the sizes from the ZIP64 field among the extra fields, if there is one.
    ///
    /// - Parameter record: The whole record, with its name and extra fields.
    mutating func readExtraFields(_ record: [UInt8]) {
        var position = nameRange.upperBound
        // Fields that do not fill the space are left alone, as other readers do.
        while position + 4 <= record.count {
            let identifier = record.integer(at: position, as: UInt16.self)
            let end = position + 4 + Int(record.integer(at: position + 2, as: UInt16.self))
            guard end <= record.count else { return }
            if identifier == 0x0001 {
                readZip64(record, position + 4..<end)
                return
            }
            position = end
        }
    }

    private mutating func readZip64(_ record: [UInt8], _ range: Range<Int>) {
        isZip64 = true
        var position = range.lowerBound
        // A local header should have both sizes in this field or none (4.5.3). One size alone is taken for the missing
        // one.
        let hasBoth = range.count >= 16
        if position + 8 <= range.upperBound, hasBoth || size == Self.wide32 {
            if size == Self.wide32 { size = record.integer(at: position, as: UInt64.self) }
            position += 8
        }
        if position + 8 <= range.upperBound, compressedSize == Self.wide32 {
            compressedSize = record.integer(at: position, as: UInt64.self)
        }
    }
}
