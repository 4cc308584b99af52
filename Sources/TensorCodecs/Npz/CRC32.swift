private import CZlib

/// The checksum that zip archives carry. The only place that knows which library computes it.
struct CRC32 {
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: borrowing Span<UInt8>) {
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(value), buffer.baseAddress, buffer.count))
        }
    }
}
