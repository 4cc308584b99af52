import CScoringKernels
import Memory

extension Kernels {
    /// The labels of one image's blocks, and how many pixels of each take part.
    ///
    /// - Parameters:
    ///   - pixels: The indices of the image's pixels in `labels`.
    ///   - block: The index of the image's first block in `blockLabels` and `counts`.
    static func blockLabels(
        _ labels: ClassCodes, _ pixels: Range<Int>, width: Int, side: Int, classCount: Int, ignored: Int32,
        into blockLabels: ClassCodes, _ counts: Buffer<UInt32>, at block: Int
    ) {
        let blockCount = pixels.count / side / side
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        checkBounds(blockLabels.count, block, blockCount)
        checkBounds(counts.count, block, blockCount)
        precondition(pixels.count == blockCount * side * side && labels.isWide == blockLabels.isWide)
        unsafe loops.block_labels(
            labels.pointer(at: pixels.lowerBound), pixels.count / width, width, side,
            segscore_labels_kept(class_count: UInt32(classCount), ignored: ignored),
            blockLabels.pointer(at: block), counts.mutableElements + block)
    }

    /// Adds probabilities of part of one row to the sums of the row's blocks.
    ///
    /// - Parameters:
    ///   - pixel: The index of the first pixel in `labels`.
    ///   - column: The column of the first pixel.
    ///   - sums: One sum for each block of a row, from the index `sum` on.
    static func addRow(
        _ elements: NativeElements, from index: Int, count: Int, column: Int, side: Int, labels: ClassCodes,
        pixel: Int, ignored: Int32, to sums: Buffer<Double>, at sum: Int
    ) {
        checkBounds(labels.count, pixel, count)
        precondition(count > 0)
        checkBounds(sums.count, sum, (column + count - 1) / side + 1)
        unsafe loops.add_row(
            elements.pointer(at: index), elements.isDouble, count, column, side, labels.pointer(at: pixel), ignored,
            sums.mutableElements + sum)
    }

    /// Adds the probabilities of a run to sums that stand `sumStride` apart.
    static func addEach(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, labels: ClassCodes, ignored: Int32,
        to sums: Buffer<Double>, at sum: Int, sumStride: Int
    ) {
        checkBounds(labels.count, run.firstPixel, run.stride, run.count)
        checkBounds(sums.count, sum, sumStride, run.count)
        unsafe loops.add_each(
            elements.pointer(at: index), elements.isDouble, run.count, labels.pointer(at: run.firstPixel), run.stride,
            ignored, sums.mutableElements + sum, sumStride)
    }

    /// Turns the sums of one class into the means of its blocks, takes these, and sets the sums to zero.
    ///
    /// - Parameters:
    ///   - sum: The index of the first block's sum.
    ///   - blocks: Indices into the arrays of blocks: counts, labels, scores and classes.
    ///   - total: The index of the first block's total.
    static func takeBlocks(
        _ sums: Buffer<Double>, at sum: Int, _ blocks: Range<Int>, classIndex: Int, counts: Buffer<UInt32>,
        labels: ClassCodes, totals: Buffer<Double>, at total: Int, scores: Buffer<Double>, largest: Buffer<Double>,
        predicted: ClassCodes
    ) {
        let first = blocks.lowerBound
        checkBounds(sums.count, sum, blocks.count)
        checkBounds(totals.count, total, blocks.count)
        checkBounds(counts.count, first, blocks.count)
        checkBounds(labels.count, first, blocks.count)
        checkBounds(scores.count, first, blocks.count)
        checkBounds(largest.count, first, blocks.count)
        checkBounds(predicted.count, first, blocks.count)
        precondition(labels.isWide == predicted.isWide)
        unsafe loops.take_blocks(
            sums.mutableElements + sum, counts.mutableElements + first, blocks.count, UInt32(classIndex),
            labels.pointer(at: first), totals.mutableElements + total, scores.mutableElements + first,
            largest.mutableElements + first, predicted.pointer(at: first))
    }

    /// Divides the values of blocks by their totals; those with a total of zero become zero.
    static func divide(_ values: Buffer<Double>, _ blocks: Range<Int>, by totals: Buffer<Double>, at total: Int) {
        checkBounds(values.count, blocks.lowerBound, blocks.count)
        checkBounds(totals.count, total, blocks.count)
        unsafe loops.divide(
            values.mutableElements + blocks.lowerBound, totals.mutableElements + total, blocks.count)
    }
}
