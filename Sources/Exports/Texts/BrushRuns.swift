/// Masks as Label Studio's brush holds them: thi.ng's `rle-pack` of a picture of four bytes a pixel, which are all 255 or
/// all 0.
///
/// - SeeAlso: thi-ng/umbrella `packages/rle-pack/src/index.ts`, HumanSignal/label-studio-sdk
///   `src/label_studio_sdk/converter/brush.py`.
struct BrushRuns {
    /// The pixels that a picture may have: the format counts four bytes for each in 32 bits.
    static let pixelLimit = 1 << 30 - 1

    /// A run is of at most 2¹⁶ bytes.
    private static let longest = 1 << 16

    /// How many bits the length of a run takes, less one, by the number that stands ahead of it.
    private static let lengthBits = [3, 4, 8, 16]

    /// The bytes as a JSON array.
    private(set) var text: [UInt8] = [UInt8(ascii: "[")]

    /// Bits that are not yet a byte.
    private var bits: UInt64 = 0
    private var bitCount = 0

    /// - Parameters:
    ///   - width, height: The extents of the picture, of at most ``pixelLimit`` pixels.
    init(_ mask: ExportedMask, width: Int, height: Int) {
        append(UInt64(4 * width * height), bits: 32)
        append(7, bits: 5)
        for bits in Self.lengthBits { append(UInt64(bits - 1), bits: 4) }
        // Runs that reach from the end of a row into the next one are one.
        var (start, end) = (0, 0)
        mask.forEachRun { row, columns in
            let first = row * width + columns.lowerBound
            if first > end {
                appendRun(255, end - start)
                appendRun(0, first - end)
                start = first
            }
            end = row * width + columns.upperBound
        }
        appendRun(255, end - start)
        appendRun(0, width * height - end)
        if bitCount > 0 { append(0, bits: 8 - bitCount) }
        text.append(UInt8(ascii: "]"))
    }

    private mutating func appendRun(_ value: UInt64, _ pixelCount: Int) {
        var rest = 4 * pixelCount
        while rest > 0 {
            let count = min(rest, Self.longest)
            let size = Self.lengthBits.firstIndex { count <= 1 << $0 } ?? 3
            append(0b100 | UInt64(size), bits: 3)
            append(UInt64(count - 1), bits: Self.lengthBits[size])
            append(value, bits: 8)
            rest -= count
        }
    }

    /// Appends the lowest bits of a number, the highest of them first.
    private mutating func append(_ number: UInt64, bits count: Int) {
        bits = bits << UInt64(count) | number
        bitCount += count
        while bitCount >= 8 {
            bitCount -= 8
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            let byte = UInt8(truncatingIfNeeded: bits >> UInt64(bitCount))
            if byte >= 100 { text.append(UInt8(ascii: "0") + byte / 100) }
            if byte >= 10 { text.append(UInt8(ascii: "0") + byte / 10 % 10) }
            text.append(UInt8(ascii: "0") + byte % 10)
        }
    }
}
