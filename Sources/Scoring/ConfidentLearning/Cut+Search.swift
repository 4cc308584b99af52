import Memory

extension Cut {
    /// Some bits of a score.
    struct Digit {
        let shift: Int
        let width: Int
    }

    /// The digits of scores up to 1, whose bits are 30 of float32 and 62 of float64, from the highest on.
    ///
    /// Of few scores, more and smaller digits are looked at, since there are fewer counts to go through.
    private static func digits(isDouble: Bool, cellCount: Int) -> [Digit] {
        let (bits, width) = (isDouble ? 62 : 30, cellCount < 1 << 13 ? 8 : 16)
        return stride(from: 0, to: bits, by: width).reversed().map { shift in
            Digit(shift: shift, width: min(width, bits - shift))
        }
    }

    private static let low = 0.5

    /// How many scores of an image are low. All of these are of cells that take part, since the others have a score of
    /// 1.
    static func countLow(_ cells: ConfidenceCells, _ range: Range<Int>) -> Int {
        Kernels.countBelow(cells.scores, range, threshold: low)
    }

    /// Finds the cut.
    ///
    /// - Parameters:
    ///   - count: n, at most the number of cells that take part.
    ///   - passes: Passes over cells whose scores are of one type.
    ///   - lowCount: The sum of ``countLow(_:_:)`` over all images.
    /// - Returns: Nil if n is 0 or the cut is not wanted any more.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W), two readings of float32 and four of float64, or twice as many of few cells.
    init?(of count: Int, _ passes: CellPasses, lowCount: Int) throws(ScoringError) {
        guard count > 0 else { return nil }
        let isDouble: Bool
        if case .float64 = passes.parts[0].scores { isDouble = true } else { isDouble = false }
        // If enough scores are low, the others need not be looked at closely; most of them are near 1.
        let limit = lowCount >= count ? Self.low : 1
        var prefix: UInt64 = 0
        var below = 0
        var equal = 0
        let cellCount = passes.parts.reduce(0) { $0 + $1.scores.count }
        for digit in Self.digits(isDouble: isDouble, cellCount: cellCount) {
            guard let counts = try Self.countKeys(passes, upTo: limit, prefix: prefix, digit) else { return nil }
            var value = 0
            while value < counts.count, below + counts[value] < count {
                below += counts[value]
                value += 1
            }
            precondition(value < counts.count, "there are fewer scores than candidates")
            equal = counts[value]
            prefix = prefix << UInt64(digit.width) | UInt64(value)
        }
        precondition(count - below <= equal)
        score = isDouble ? Double(bitPattern: prefix) : Double(Float(bitPattern: UInt32(prefix)))
        countBelow = below
        ties = count - below
        equalCount = equal
    }

    /// How many of the scores that begin with `prefix` go on with each value of a digit.
    private static func countKeys(
        _ passes: CellPasses, upTo limit: Double, prefix: UInt64, _ digit: Digit
    ) throws(ScoringError) -> [Int]? {
        let size = 1 << digit.width
        let counts: Buffer<UInt64> = try allocate(passes.laneCount * size)
        let isComplete = passes.run { image, lane in
            Kernels.countKeys(
                image.cells, image.range, upTo: limit, prefix: prefix, shift: digit.shift, width: digit.width,
                counts: counts, at: lane * size)
        }
        guard isComplete else { return nil }
        let ofLanes = counts.span
        var total = [Int](repeating: 0, count: size)
        for lane in 0..<passes.laneCount {
            for value in 0..<size { total[value] += Int(ofLanes[lane * size + value]) }
        }
        return total
    }

    /// How many of the scores at the cut are candidates in each image. They are the first.
    ///
    /// - Returns: The number of each image, over all parts; nil if it is not wanted any more.
    func ties(_ passes: CellPasses) -> [Int]? {
        guard ties < equalCount else { return [Int](repeating: .max, count: passes.imageCount) }
        let score = score
        let equal = passes.count { image, _ in Kernels.countEqual(image.cells, image.range, to: score) }
        var left = ties
        return equal?.map { count in
            defer { left -= min(left, count) }
            return min(left, count)
        }
    }
}
