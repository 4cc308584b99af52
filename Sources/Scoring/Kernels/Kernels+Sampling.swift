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

    /// Samples a row along itself.
    ///
    /// - Parameters:
    ///   - index: The index of the row's first value in `row`.
    ///   - place: The index of the first pixel in `scores`.
    static func sampleRow(
        _ row: PixelScores, from index: Int, _ columns: ColumnSamples, into scores: PixelScores, at place: Int
    ) {
        let count = columns.lower.count
        // Places grow with pixels, so that the last one is the furthest.
        precondition(index >= 0 && index + Int(columns.upper.span[count - 1]) < row.count)
        checkBounds(scores.count, place, count)
        let (source, out) = unsafe (row.pointer(at: index).start, scores.pointer(at: place))
        if columns.isNearest {
            unsafe loops.pick_row(source, columns.lower.mutableElements, count, out)
        } else {
            unsafe loops.sample_row(
                source, columns.lower.mutableElements, columns.upper.mutableElements,
                columns.lowerWeights.pointer(at: 0).start, columns.upperWeights.pointer(at: 0).start, count, out)
        }
    }

    /// Adds two rows, each times its weight.
    ///
    /// - Parameters:
    ///   - lower: The index of the first value of the lower row in `rows`, and `upper` that of the upper row.
    ///   - place: The index of the first pixel in `scores`.
    static func mixRows(
        _ rows: PixelScores, _ lower: Int, _ upper: Int, _ sample: AxisSampling.Sample, count: Int,
        into scores: PixelScores, at place: Int
    ) {
        checkBounds(rows.count, lower, count)
        checkBounds(rows.count, upper, count)
        checkBounds(scores.count, place, count)
        let (lowerRow, upperRow, out) = unsafe (
            rows.pointer(at: lower).start, rows.pointer(at: upper).start, scores.pointer(at: place)
        )
        if sample.lower == sample.upper && sample.upperWeight == 0 {
            unsafe loops.copy(lowerRow, count, out, 1)
        } else {
            unsafe loops.mix_rows(lowerRow, upperRow, sample.lowerWeight, sample.upperWeight, count, out)
        }
    }
}
