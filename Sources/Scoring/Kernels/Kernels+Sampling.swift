import CScoringKernels
import Memory

extension Kernels {
    /// Copies elements, which are of the type of the scores.
    static func copy(
        _ elements: NativeElements, from index: Int, count: Int, into scores: PixelScores, at place: Int
    ) {
        guard count > 0 else { return }
        precondition(index >= 0 && index + count <= elements.count)
        checkBounds(scores.count, place, count)
        unsafe loops.copy(elements.pointer(at: index), count, scores.pointer(at: place), 1)
    }

    /// Brings the pixels of a row, each with all its channels, into the order `(channels, pixels)`.
    static func takeApart(_ row: PixelScores, channelCount: Int, into scores: PixelScores) {
        precondition(row.count == scores.count && row.count % channelCount == 0)
        unsafe loops.take_apart(
            row.pointer(at: 0).start, row.count / channelCount, channelCount, scores.pointer(at: 0))
    }

    /// Makes a row of values that lie at some places of another row.
    ///
    /// - Parameters:
    ///   - index: The index of the other row's first value in `row`.
    ///   - places: Places in the row, none of them behind the last of these.
    ///   - place: The index of the first value in `scores`.
    static func pickRow(
        _ row: PixelScores, from index: Int, _ places: Buffer<UInt32>, into scores: PixelScores, at place: Int
    ) {
        let count = places.count
        precondition(index >= 0 && index + Int(places.span[count - 1]) < row.count)
        checkBounds(scores.count, place, count)
        unsafe loops.pick_row(
            row.pointer(at: index).start, places.mutableElements, count, scores.pointer(at: place))
    }

    /// Makes a row of values, each of two values of another row times their weights.
    ///
    /// - Parameters:
    ///   - index: The index of the other row's first value in `row`.
    ///   - lower: The places of the first of two values, and `upper` those of the second, of which none is behind the
    ///     last. The weights are of the type of the values.
    ///   - place: The index of the first value in `scores`.
    static func sampleRow(
        _ row: PixelScores, from index: Int, lower: Buffer<UInt32>, upper: Buffer<UInt32>, lowerWeights: PixelScores,
        upperWeights: PixelScores, into scores: PixelScores, at place: Int
    ) {
        let count = lower.count
        precondition(upper.count == count && lowerWeights.count == count && upperWeights.count == count)
        precondition(index >= 0 && index + Int(upper.span[count - 1]) < row.count)
        checkBounds(scores.count, place, count)
        unsafe loops.sample_row(
            row.pointer(at: index).start, lower.mutableElements, upper.mutableElements,
            lowerWeights.pointer(at: 0).start, upperWeights.pointer(at: 0).start, count, scores.pointer(at: place))
    }

    /// Adds two rows, each times its weight, which is a value of their type.
    ///
    /// - Parameters:
    ///   - lower: The index of the first value of the lower row in `rows`, and `upper` that of the upper row.
    ///   - place: The index of the first pixel in `scores`.
    static func mixRows(
        _ rows: PixelScores, lower: Int, upper: Int, lowerWeight: Double, upperWeight: Double, count: Int,
        into scores: PixelScores, at place: Int
    ) {
        checkBounds(rows.count, lower, count)
        checkBounds(rows.count, upper, count)
        checkBounds(scores.count, place, count)
        let (lowerRow, upperRow, out) = unsafe (
            rows.pointer(at: lower).start, rows.pointer(at: upper).start, scores.pointer(at: place)
        )
        if lower == upper && upperWeight == 0 {
            unsafe loops.copy(lowerRow, count, out, 1)
        } else {
            unsafe loops.mix_rows(lowerRow, upperRow, lowerWeight, upperWeight, count, out)
        }
    }
}
