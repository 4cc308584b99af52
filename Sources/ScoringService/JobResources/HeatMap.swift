import Memory
import WebService

/// The colours of pixel scores: dark for pixels whose label the model agrees with, bright for the others.
///
/// They are nine colours of matplotlib's "inferno" map (CC0), evenly spaced, with linear interpolation between them.
struct HeatMap {
    private static let anchors: [(red: Double, green: Double, blue: Double)] = [
        (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
        (249, 201, 50), (252, 255, 164),
    ]

    /// Red, green and blue for 256 levels of doubt. Level 0 belongs to a score of 1.
    private static let table: [(UInt8, UInt8, UInt8)] = (0..<256).map { level in
        let position = Double(level) / 255 * Double(anchors.count - 1)
        let index = min(Int(position), anchors.count - 2)
        let (from, to, share) = (anchors[index], anchors[index + 1], position - Double(index))
        func mix(_ a: Double, _ b: Double) -> UInt8 { UInt8(a + (b - a) * share + 0.5) }
        return (mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue))
    }

    /// Colours scores.
    ///
    /// - Parameters:
    ///   - scores: Scores in `[0, 1]`. A score outside is drawn as the nearer end, and NaN as the brightest colour.
    /// - Returns: Three bytes for each score.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    static func pixels<Score: BinaryFloatingPoint & BitwiseCopyable>(
        _ scores: borrowing Span<Score>
    ) throws(MemoryError) -> Buffer<UInt8> {
        let pixels = try Buffer<UInt8>(uninitialized: scores.count * 3)
        pixels.withMutableSpan { pixels in
            for index in 0..<scores.count {
                let doubt = (1 - scores[index]) * 255 + 0.5
                // The comparison is written in this order because no comparison with NaN is true.
                let color = table[doubt < 255 ? Int(max(doubt, 0)) : 255]
                pixels[3 * index] = color.0
                pixels[3 * index + 1] = color.1
                pixels[3 * index + 2] = color.2
            }
        }
        return pixels
    }
}
