private import CDeflate

/// The checksum that zip archives carry. The only place that knows which library computes it: zlib's is slower than a network
/// card.
struct CRC32 {
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: borrowing Span<UInt8>) {
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            // Without a buffer the library gives the value that it starts with.
            guard let bytes = buffer.baseAddress else { return value }
            return unsafe libdeflate_crc32(value, bytes, buffer.count)
        }
    }
}
