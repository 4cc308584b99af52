import WebService

/// Widens bfloat16 elements to float32 as they arrive, both little-endian. A bfloat16 is a float32 without its lower
/// half.
struct BFloat16 {
    /// The first byte of an element whose second byte has not arrived.
    private var first: UInt8?

    /// How many bytes are widened at once: so few that the result stays in the cache.
    private static let pieceSize = 32 << 10

    /// Takes the next bytes, which may end within an element.
    ///
    /// - Parameters:
    ///   - bytes: Bytes of bfloat16 elements.
    ///   - output: Takes the float32 elements, piece by piece.
    /// - Throws: What `output` throws.
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
