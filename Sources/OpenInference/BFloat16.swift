import WebService

/// Turns bfloat16 into float32 as it arrives, both little-endian: a bfloat16 is a float32 without its lower half.
struct BFloat16 {
    private var first: UInt8?

    /// The bytes that are turned at once: what comes of them stays in the cache.
    private static let pieceSize = 32 << 10

    /// Takes the next bytes, which may end within an element.
    mutating func widen(
        _ bytes: borrowing Span<UInt8>, _ output: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        var position = 0
        while position < bytes.count {
            let end = min(position + Self.pieceSize, bytes.count)
            var widened: [UInt8] = []
            widened.reserveCapacity(2 * (end - position) + 2)
            for index in position..<end {
                if let first {
                    widened.append(0)
                    widened.append(0)
                    widened.append(first)
                    widened.append(bytes[index])
                    self.first = nil
                } else {
                    first = bytes[index]
                }
            }
            position = end
            if !widened.isEmpty { try output(widened.span) }
        }
    }
}
