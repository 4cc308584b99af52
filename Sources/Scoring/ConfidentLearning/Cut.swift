/// The score of the n-th lowest cell: those below it, and the first of those at it, are candidates for label issues.
///
/// Found without sorting. Scores in `[0, 1]` have the order of their bits, so the bits are settled a digit at a time from
/// the highest on, each by counting the scores that share the digits found so far.
package struct Cut: Equatable, Sendable {
    /// In `[0, 1]`; as float64, also where scores are float32.
    package let score: Double

    /// How many scores are lower.
    package let countBelow: Int

    /// How many of those that equal it are candidates, at least 1; the first by image, row and column.
    package let ties: Int
}

extension Cut {
    /// Some bits of a score.
    struct Digit {
        let shift: Int
        let width: Int
    }

    /// The bits of 1.0 and below: 30 of float32, 62 of float64.
    private static let float32Digits = [Digit(shift: 15, width: 15), Digit(shift: 0, width: 15)]
    private static let float64Digits = [
        Digit(shift: 47, width: 15), Digit(shift: 32, width: 15), Digit(shift: 16, width: 16),
        Digit(shift: 0, width: 16),
    ]

    /// Finds the cut.
    ///
    /// - Parameters:
    ///   - count: n, at most the number of cells that take part.
    ///   - images: The cells of each image.
    ///   - isWanted: Asked once per image and digit.
    /// - Returns: Nil where n is 0 or the cut is not wanted any more.
    /// - Complexity: O(N·H·W), three readings of float32 and five of float64.
    init?(of count: Int, _ cells: ConfidenceCells, _ images: [Range<Int>], isWanted: () -> Bool) {
        guard count > 0 else { return nil }
        let isDouble: Bool
        if case .float64 = cells.scores { isDouble = true } else { isDouble = false }
        // Where enough scores are low, the others need not be looked at closely; most of them are near 1.
        let limit = Self.countKept(cells, images, below: 0.5) >= count ? 0.5 : 1
        var prefix: UInt64 = 0
        var below = 0
        var equal = 0
        for digit in isDouble ? Self.float64Digits : Self.float32Digits {
            var counts = [UInt64](repeating: 0, count: 1 << digit.width)
            for image in images {
                guard isWanted() else { return nil }
                Kernels.countKeys(cells, image, upTo: limit, prefix: prefix, digit: digit, counts: &counts)
            }
            var value = 0
            while value < counts.count, below + Int(counts[value]) < count {
                below += Int(counts[value])
                value += 1
            }
            precondition(value < counts.count, "there are fewer scores than candidates")
            equal = Int(counts[value])
            prefix = prefix << UInt64(digit.width) | UInt64(value)
        }
        precondition(count - below <= equal)
        score = isDouble ? Double(bitPattern: prefix) : Double(Float(bitPattern: UInt32(prefix)))
        countBelow = below
        ties = count - below
    }

    /// How many cells have a score below a value of at most 1; all of them take part, since others score 1.
    private static func countKept(_ cells: ConfidenceCells, _ images: [Range<Int>], below value: Double) -> Int {
        images.reduce(0) { $0 + Kernels.countBelow(cells.scores, $1, threshold: value) }
    }
}
