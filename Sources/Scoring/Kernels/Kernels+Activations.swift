import CScoringKernels
import Memory

extension Kernels {
    /// Takes a run of logits, or of weights that are to be divided by their sum.
    ///
    /// - Parameters:
    ///   - largestIndex: The index of the run's first pixel in `largest`, where pixels are as far apart as in the run.
    ///   - sumIndex: The index of the run's first pixel in `sums`, where the next pixels are neighbours.
    /// - Returns: The first element of the run that cannot be taken, counted from the start of the run.
    static func takeValues(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, areLogits: Bool, labels: ClassCodes,
        scores: PixelScores, predicted: ClassCodes, largest: PixelScores, largestIndex: Int,
        sums: Buffer<Double>, sumIndex: Int
    ) -> Int? {
        let (pixel, count, stride) = (run.firstPixel, run.count, run.stride)
        precondition(index >= 0 && index + count <= elements.count)
        checkBounds(labels.count, pixel, stride, count)
        checkBounds(scores.count, pixel, stride, count)
        checkBounds(predicted.count, pixel, stride, count)
        checkBounds(largest.count, largestIndex, stride, count)
        checkBounds(sums.count, sumIndex, count)
        precondition(labels.isWide == predicted.isWide)
        let found = unsafe loops.take_values(
            elements.pointer(at: index), count, UInt32(run.classIndex), areLogits, labels.pointer(at: pixel),
            scores.pointer(at: pixel), predicted.pointer(at: pixel), largest.pointer(at: largestIndex), stride,
            sums.mutableElements + sumIndex)
        return found < count ? found : nil
    }

    /// Turns what was taken of a run's pixels, after the run of the last class, into probabilities.
    ///
    /// - Parameters:
    ///   - keepsValues: Whether all stays as it is, and only the pixel without probabilities is looked for.
    /// - Returns: The first pixel of the run that has no probabilities, counted from the start of the run.
    static func normalise(
        _ run: ElementRuns.Run, areLogits: Bool, keepsValues: Bool, scores: PixelScores, largest: PixelScores,
        largestIndex: Int, sums: Buffer<Double>, sumIndex: Int
    ) -> Int? {
        let (pixel, count, stride) = (run.firstPixel, run.count, run.stride)
        checkBounds(scores.count, pixel, stride, count)
        checkBounds(largest.count, largestIndex, stride, count)
        checkBounds(sums.count, sumIndex, count)
        let found = unsafe loops.normalise(
            count, areLogits, keepsValues, scores.pointer(at: pixel), largest.pointer(at: largestIndex), stride,
            sums.mutableElements + sumIndex)
        return found < count ? found : nil
    }

    /// Lends the probabilities of values of neighbouring pixels, block by block.
    ///
    /// - Parameters:
    ///   - largest: The largest values of the pixels, from `largestIndex` on.
    ///   - sums: The sums of the pixels, from `sumIndex` on.
    ///   - body: Called with a block and the number of elements ahead of it.
    static func withProbabilities<Failure: Error>(
        _ elements: NativeElements, from index: Int, count: Int, areLogits: Bool, largest: PixelScores,
        largestIndex: Int, sums: Buffer<Double>, sumIndex: Int,
        _ body: (NativeElements, Int) throws(Failure) -> Void
    ) throws(Failure) {
        checkBounds(largest.count, largestIndex, count)
        checkBounds(sums.count, sumIndex, count)
        try unsafe withBlocks(elements, from: index, count: count) { source, start, blockCount, out in
            unsafe loops.divide_values(
                source, blockCount, areLogits, largest.pointer(at: largestIndex + start),
                sums.mutableElements + sumIndex + start, out)
        } lend: { (block, start) throws(Failure) in
            try body(block, start)
        }
    }
}
