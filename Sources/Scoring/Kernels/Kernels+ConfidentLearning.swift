import CScoringKernels
import Memory

extension Kernels {
    /// Adds the scores of a range of cells to the sums of their labels.
    static func sumByLabel(
        _ cells: ConfidenceCells, _ range: Range<Int>, sums: inout [Double], counts: inout [Int64]
    ) {
        checkBounds(cells, range)
        precondition(sums.count == cells.classCount && counts.count == cells.classCount)
        unsafe sums.withUnsafeMutableBufferPointer { sums in
            unsafe counts.withUnsafeMutableBufferPointer { counts in
                guard let sums = sums.baseAddress, let counts = counts.baseAddress else { return }
                unsafe loops.sum_by_label(
                    cells.scores.pointer(at: range.lowerBound), cells.labels.pointer(at: range.lowerBound),
                    range.count, cells.kept, sums, counts)
            }
        }
    }

    /// How many cells of a range are predicted as another class than their label, with at least that class's threshold.
    ///
    /// - Parameters:
    ///   - thresholds: `(K,)`.
    static func countConfident(
        _ cells: ConfidenceCells, _ range: Range<Int>, thresholds: [Double]
    ) -> Int {
        checkBounds(cells, range)
        precondition(thresholds.count == cells.classCount)
        return unsafe thresholds.withUnsafeBufferPointer { thresholds in
            guard let thresholds = thresholds.baseAddress else { return 0 }
            return unsafe loops.count_confident(
                cells.largest.pointer(at: range.lowerBound), cells.predicted.pointer(at: range.lowerBound),
                cells.labels.pointer(at: range.lowerBound), range.count, cells.kept, thresholds)
        }
    }

    /// Counts the scores of a range that are up to a limit and whose higher bits are `prefix`, by the `width`
    /// bits from `shift` on.
    ///
    /// - Parameters:
    ///   - first: The index of the count of scores in which these bits are 0.
    static func countKeys(
        _ cells: ConfidenceCells, _ range: Range<Int>, upTo limit: Double, prefix: UInt64, shift: Int, width: Int,
        counts: Buffer<UInt64>, at first: Int
    ) {
        checkBounds(cells, range)
        checkBounds(counts.count, first, 1 << width)
        unsafe loops.count_keys(
            cells.scores.pointer(at: range.lowerBound), cells.labels.pointer(at: range.lowerBound), range.count,
            cells.kept, limit, prefix, UInt32(shift), UInt32(width), counts.mutableElements + first)
    }

    /// How many cells of a range take part and have a score.
    static func countEqual(_ cells: ConfidenceCells, _ range: Range<Int>, to score: Double) -> Int {
        checkBounds(cells, range)
        return unsafe loops.count_equal(
            cells.scores.pointer(at: range.lowerBound), cells.labels.pointer(at: range.lowerBound), range.count,
            cells.kept, score)
    }

    /// Marks the cells of a range whose score is below the cut, and of those at the cut the first `ties`.
    ///
    /// - Returns: How many of those at the cut are marked.
    @discardableResult
    static func markLowest(
        _ cells: ConfidenceCells, _ range: Range<Int>, cut: Double, ties: Int, into marks: Buffer<UInt8>
    ) -> Int {
        checkBounds(cells, range)
        checkBounds(marks.count, 0, range.count)
        precondition(ties >= 0)
        return unsafe loops.mark_lowest(
            cells.scores.pointer(at: range.lowerBound), cells.labels.pointer(at: range.lowerBound), range.count,
            cells.kept, cut, ties, marks.mutableElements)
    }

    /// Marks the pixels of a row whose block is marked and whose predicted class is not their label. If blocks are
    /// single pixels, several rows may be done at once.
    ///
    /// - Parameters:
    ///   - blockMark: The index of the mark of the row's first block.
    /// - Returns: How many pixels were marked.
    static func markDisagreeing(
        _ blockMarks: Buffer<UInt8>, at blockMark: Int, side: Int, labels: ClassCodes, predicted: ClassCodes,
        _ pixels: Range<Int>, ignored: Int32, into marks: Buffer<UInt8>
    ) -> Int {
        checkBounds(blockMarks.count, blockMark, pixels.count / side)
        for count in [labels.count, predicted.count, marks.count] {
            checkBounds(count, pixels.lowerBound, pixels.count)
        }
        precondition(pixels.count % side == 0 && labels.isWide == predicted.isWide)
        return unsafe loops.mark_disagreeing(
            blockMarks.mutableElements + blockMark, side, predicted.pointer(at: pixels.lowerBound),
            labels.pointer(at: pixels.lowerBound), pixels.count, ignored, marks.mutableElements + pixels.lowerBound)
    }

    /// Takes the marks from the pixels of a range that are neither labelled nor predicted as a class.
    static func keepClass(
        _ classIndex: Int, labels: ClassCodes, predicted: ClassCodes, _ pixels: Range<Int>, in marks: Buffer<UInt8>
    ) {
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        checkBounds(predicted.count, pixels.lowerBound, pixels.count)
        precondition(marks.count == pixels.count && labels.isWide == predicted.isWide)
        unsafe loops.keep_class(
            marks.mutableElements, labels.pointer(at: pixels.lowerBound), predicted.pointer(at: pixels.lowerBound),
            pixels.count, UInt32(classIndex))
    }

    private static func checkBounds(_ cells: ConfidenceCells, _ range: Range<Int>) {
        for count in [cells.scores.count, cells.labels.count, cells.predicted.count, cells.largest.count] {
            checkBounds(count, range.lowerBound, range.count)
        }
        precondition(cells.labels.isWide == cells.predicted.isWide)
    }
}

extension ConfidenceCells {
    fileprivate var kept: segscore_labels_kept {
        segscore_labels_kept(class_count: UInt32(classCount), ignored: ignored)
    }
}
