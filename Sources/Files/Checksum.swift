private import CISAL

/// Tells whether bytes are the ones that were written: the CRC-64 of ECMA-182, which Intel's ISA-L computes faster than
/// memory is read.
///
/// A checksum finds damage and mistakes, not forgery.
package struct Checksum: Codable, Equatable, Sendable {
    /// Signed, since not every reader of JSON takes larger whole numbers.
    private var value: Int64 = 0

    /// The checksum of no bytes.
    package init() {}

    package init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        let first = unsafe start.assumingMemoryBound(to: UInt8.self)
        value = Int64(bitPattern: unsafe crc64_ecma_refl(UInt64(bitPattern: value), first, UInt64(bytes.count)))
    }
}
