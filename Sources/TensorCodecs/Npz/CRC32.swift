private import CISAL

/// The checksum that zip archives carry. The only place that knows which library computes it: zlib's is slower than a network
/// card, and Intel's ISA-L the fastest in Debian.
package struct CRC32: Codable, Equatable, Sendable {
    private(set) var value: UInt32 = 0

    /// That of nothing.
    package init() {}

    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let bytes = buffer.baseAddress else { return value }
            return unsafe crc32_gzip_refl(value, bytes, UInt64(buffer.count))
        }
    }
}
