private import CISAL

/// The checksum that zip archives carry. Intel's ISA-L computes it, the fastest library for it in Debian; zlib's code
/// would be slower than a network card.
package struct CRC32: Codable, Equatable, Sendable {
    private(set) var value: UInt32 = 0

    /// The checksum of no bytes.
    package init() {}

    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let bytes = buffer.baseAddress else { return value }
            return unsafe crc32_gzip_refl(value, bytes, UInt64(buffer.count))
        }
    }
}
