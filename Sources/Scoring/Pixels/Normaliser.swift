import CScoringKernels
import Memory

/// Takes values that become probabilities only when all classes of a pixel are known, in one pass: of each pixel it
/// keeps the value of its label, its largest value, and the sum that the values are divided by.
///
/// The sums are those of one image in C order and of one pixel of each image in Fortran order, so that memory does not
/// grow with classes. With blocks, which need every probability, the values come twice.
final class Normaliser {
    private let arrays: PixelArrays
    private let areLogits: Bool
    private let sums: Buffer<Double>
    /// The largest values of one image, if they have to stay values until all have come twice; nil if they become the
    /// largest probabilities of all pixels.
    private let largestOfImage: PixelScores?
    private let probe: LogitProbe?

    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ arrays: PixelArrays) throws(ScoringError) {
        self.arrays = arrays
        areLogits = arrays.activation.function == .softmax
        let (shape, order) = (arrays.shape, arrays.layout.order)
        sums = try allocate(order == .c ? shape.pixelsPerImage : shape.imageCount)
        probe = areLogits ? try LogitProbe(pixelCount: sums.count, of: arrays.layout.elementType.scalar) : nil
        largestOfImage =
            arrays.comeTwice
            ? try PixelScores(
                count: shape.pixelsPerImage, for: arrays.layout.elementType.scalar, of: .predictedProbabilities) : nil
    }

    /// Takes a run. The last class of a pixel completes it.
    ///
    /// - Throws: ``ScoringError/activationInput(_:_:at:classIndex:_:)``, ``ScoringError/noProbabilities(_:at:_:)`` or
    ///   ``ScoringError/probabilitiesAsLogits(_:)``.
    func take(_ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run) throws(ScoringError) {
        try withValues(elements, from: index, run) { (values, start, part, done) throws(ScoringError) in
            try takeValues(values, from: start, part, as: elements, index + done)
        }
    }

    /// - Parameters:
    ///   - original: The elements as they came, of which an error tells, and the index of the run's first.
    private func takeValues(
        _ values: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run,
        as original: Kernels.NativeElements, _ originalIndex: Int
    ) throws(ScoringError) {
        let (sum, largest, largestIndex) = place(run)
        let bad = Kernels.takeValues(
            values, from: index, run, areLogits: areLogits, labels: arrays.labels.codes, scores: arrays.scores,
            predicted: arrays.predicted, largest: largest, largestIndex: largestIndex, sums: sums, sumIndex: sum)
        if let bad {
            throw .activationInput(
                .predictedProbabilities, original.doubleValue(at: originalIndex + bad), at: position(bad, run),
                classIndex: run.classIndex, arrays.activation)
        }
        if let probe, isProbed(run) {
            probe.take(values, from: index, count: run.count, pixel: sum)
            // The last sum of the probe is complete with the last value of the last class.
            if run.classIndex == arrays.shape.classCount - 1, sum + run.count == sums.count, probe.areProbabilities {
                throw .probabilitiesAsLogits(.predictedProbabilities)
            }
        }
        guard run.classIndex == arrays.shape.classCount - 1 else { return }
        let empty = Kernels.normalise(
            run, areLogits: areLogits, keepsValues: arrays.comeTwice, scores: arrays.scores, largest: largest,
            largestIndex: largestIndex, sums: sums, sumIndex: sum)
        if let empty { throw .noProbabilities(.predictedProbabilities, at: position(empty, run), arrays.activation) }
    }

    /// Lends the probabilities that a run has, block by block, once all values of its pixels have been taken.
    ///
    /// - Parameters:
    ///   - body: Called with a block and the number of elements ahead of it.
    func withProbabilities(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run,
        _ body: (Kernels.NativeElements, Int) throws(ScoringError) -> Void
    ) throws(ScoringError) {
        try withValues(elements, from: index, run) { (values, start, part, done) throws(ScoringError) in
            let (sum, largest, largestIndex) = place(part)
            try Kernels.withProbabilities(
                values, from: start, count: part.count, areLogits: areLogits, largest: largest,
                largestIndex: largestIndex, sums: sums, sumIndex: sum
            ) { (probabilities, more) throws(ScoringError) in try body(probabilities, done + more) }
        }
    }

    /// Lends what a sigmoid makes of a run's elements, block by block; without one the elements themselves.
    private func withValues(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run,
        _ body: (Kernels.NativeElements, Int, ElementRuns.Run, Int) throws(ScoringError) -> Void
    ) throws(ScoringError) {
        guard arrays.activation.function == .sigmoid else { return try body(elements, index, run, 0) }
        try Kernels.withConvertedElements(elements, from: index, count: run.count, by: SEGSCORE_LOGISTIC) {
            (converted, done) throws(ScoringError) in
            try body(converted, 0, run.part(from: done, count: converted.count), done)
        }
    }

    /// Whether a run belongs to the first pixels whose sums come together: the first image in C order, the first pixel
    /// of all images in Fortran order.
    private func isProbed(_ run: ElementRuns.Run) -> Bool {
        let plane = arrays.shape.pixelsPerImage
        return arrays.layout.order == .c ? run.firstPixel < plane : run.firstPixel % plane == 0
    }

    /// Where the sums and the largest values of a run are.
    private func place(_ run: ElementRuns.Run) -> (sum: Int, largest: PixelScores, largestIndex: Int) {
        let plane = arrays.shape.pixelsPerImage
        let inImage = arrays.layout.order == .c ? run.firstPixel % plane : run.firstPixel / plane
        if let largestOfImage { return (inImage, largestOfImage, inImage) }
        return (inImage, arrays.largest, run.firstPixel)
    }

    private func position(_ offset: Int, _ run: ElementRuns.Run) -> ScoringError.Position {
        arrays.shape.position(of: run.firstPixel + offset * run.stride)
    }
}
