import CScoringKernels
import Memory

extension Kernels {
    /// Takes a run's probabilities: those that pixels give to their own label, and the largest of each pixel.
    ///
    /// - Parameters:
    ///   - largestIndex: The index of the run's first pixel in `largest`; the next pixels stand `largestStride` apart.
    /// - Returns: The first element of the run that is no probability, counted from the start of the run, and how many
    ///   ahead of it rounding had led beyond [0, 1].
    static func take(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, labels: ClassCodes,
        scores: PixelScores, predicted: ClassCodes, largest: PixelScores
    ) -> (outside: Int?, clamped: Int) {
        let (pixel, count, stride) = (run.firstPixel, run.count, run.stride)
        checkBounds(labels.count, pixel, stride, count)
        checkBounds(scores.count, pixel, stride, count)
        checkBounds(predicted.count, pixel, stride, count)
        checkBounds(largest.count, pixel, stride, count)
        precondition(labels.isWide == predicted.isWide)
        var clamped = 0
        let found = unsafe loops.take(
            elements.pointer(at: index), count, UInt32(run.classIndex), labels.pointer(at: pixel),
            scores.pointer(at: pixel), predicted.pointer(at: pixel), largest.pointer(at: pixel), stride,
            &clamped)
        return (found < count ? found : nil, clamped)
    }

    /// Takes the probabilities of a run of neighbouring pixels that they give to their own label.
    ///
    /// - Returns: The same as ``take(_:from:_:labels:scores:predicted:largest:)``.
    static func takeOwn(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, labels: ClassCodes, scores: PixelScores
    ) -> (outside: Int?, clamped: Int) {
        let (pixel, count) = (run.firstPixel, run.count)
        precondition(run.stride == 1 && index >= 0 && index + count <= elements.count)
        checkBounds(labels.count, pixel, count)
        checkBounds(scores.count, pixel, count)
        var clamped = 0
        let found = unsafe loops.take_own(
            elements.pointer(at: index), count, UInt32(run.classIndex), labels.pointer(at: pixel),
            scores.pointer(at: pixel), &clamped)
        return (found < count ? found : nil, clamped)
    }

    /// Copies a run of scores to their pixels.
    static func copy(_ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, into scores: PixelScores) {
        checkBounds(scores.count, run.firstPixel, run.stride, run.count)
        unsafe loops.copy(
            elements.pointer(at: index), run.count, scores.pointer(at: run.firstPixel), run.stride)
    }

    /// Copies a run of probabilities to their pixels.
    ///
    /// - Parameters:
    ///   - clamps: Whether those that rounding has led beyond [0, 1] become the nearer end of it.
    /// - Returns: The same as ``take(_:from:_:labels:scores:predicted:largest:)``.
    static func takeScores(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, clamps: Bool, into scores: PixelScores
    ) -> (outside: Int?, clamped: Int) {
        precondition(index >= 0 && index + run.count <= elements.count)
        precondition(elements.isDouble == (scores.elementType.scalar == .float64))
        checkBounds(scores.count, run.firstPixel, run.stride, run.count)
        var clamped = 0
        let found = unsafe loops.take_scores(
            elements.pointer(at: index), run.count, clamps, scores.pointer(at: run.firstPixel), run.stride, &clamped)
        return (found < run.count ? found : nil, clamped)
    }

    /// The first pixel of a range whose own probability is larger than its largest, or is another one although its label
    /// is predicted.
    static func firstUnlike(
        _ scores: PixelScores, _ largest: PixelScores, predicted: ClassCodes, labels: ClassCodes, ignored: Int32,
        _ pixels: Range<Int>
    ) -> Int? {
        for count in [scores.count, largest.count, predicted.count, labels.count] {
            checkBounds(count, pixels.lowerBound, pixels.count)
        }
        precondition(labels.isWide == predicted.isWide && scores.elementType == largest.elementType)
        let first = pixels.lowerBound
        let found = unsafe loops.first_unlike(
            scores.pointer(at: first), largest.pointer(at: first), predicted.pointer(at: first),
            labels.pointer(at: first), pixels.count, ignored)
        return found < pixels.count ? first + found : nil
    }

    /// Sets the scores of ignored pixels to 1.
    static func ignore(_ labels: ClassCodes, _ ignored: Int32, _ pixels: Range<Int>, in scores: PixelScores) {
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        checkBounds(scores.count, pixels.lowerBound, pixels.count)
        unsafe loops.ignore(
            scores.pointer(at: pixels.lowerBound), labels.pointer(at: pixels.lowerBound), pixels.count, ignored)
    }

    /// The softmin of a range of pixels; NaN if all of them are ignored.
    static func softmin(
        _ scores: PixelScores, _ labels: ClassCodes, _ pixels: Range<Int>, ignored: Int32, temperature: Double
    ) -> Double {
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        checkBounds(scores.count, pixels.lowerBound, pixels.count)
        return unsafe loops.softmin(
            scores.pointer(at: pixels.lowerBound), labels.pointer(at: pixels.lowerBound), pixels.count, ignored,
            temperature)
    }

    /// Marks the scores of a range that are below a threshold.
    static func below(_ scores: PixelScores, _ pixels: Range<Int>, threshold: Double, into mask: Buffer<UInt8>) {
        checkBounds(scores.count, pixels.lowerBound, pixels.count)
        precondition(mask.count == pixels.count)
        unsafe loops.below(scores.pointer(at: pixels.lowerBound), pixels.count, threshold, mask.mutableElements)
    }

    /// How many scores of a range are below a threshold.
    static func countBelow(_ scores: PixelScores, _ pixels: Range<Int>, threshold: Double) -> Int {
        checkBounds(scores.count, pixels.lowerBound, pixels.count)
        return unsafe loops.count_below(scores.pointer(at: pixels.lowerBound), pixels.count, threshold)
    }
}
