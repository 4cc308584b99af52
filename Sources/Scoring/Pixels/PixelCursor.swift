import Memory

/// Brings elements to their pixels, in the order of ``ElementRuns``. Several cursors may fill the same arrays, each of
/// them the pixels of its own lines.
struct PixelCursor {
    private let arrays: PixelArrays
    private let blocks: BlockAccumulator?
    /// The largest probabilities. With blocks they are those of one image in C order, and of one pixel of each image in
    /// Fortran order.
    private let largest: PixelScores
    private var runs: ElementRuns
    /// Whether an image is prepared when its first probability comes; else all images have been prepared before.
    private let preparesImages: Bool

    /// - Throws: ``ScoringError/memory(_:)`` or ``ScoringError/elementType(_:_:)``.
    init(_ arrays: PixelArrays, preparesImages: Bool) throws(ScoringError) {
        self.arrays = arrays
        self.preparesImages = preparesImages && arrays.blocks != nil
        let (shape, order) = (arrays.shape, arrays.layout.order)
        blocks = try arrays.blocks.map { (blocks) throws(ScoringError) in
            try BlockAccumulator(
                blocks, labels: arrays.labels.codes, shape: shape, order: order, ignored: arrays.ignored)
        }
        if let largest = arrays.largest {
            self.largest = largest
        } else {
            let count = order == .c ? shape.pixelsPerImage : shape.imageCount
            largest = try PixelScores(
                count: count, for: arrays.layout.elementType.scalar, of: .predictedProbabilities)
        }
        runs = ElementRuns(
            imageCount: shape.imageCount, classCount: shape.classCount, height: shape.height, width: shape.width,
            order: order, blockSide: arrays.side)
    }

    /// Has the next element be another one.
    mutating func seek(to position: Int) {
        runs.position = position
    }

    /// Takes the next elements.
    ///
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``, and if images are prepared here
    ///   ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    mutating func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            if preparesImages, run.classIndex == 0, run.firstPixel % arrays.shape.pixelsPerImage == 0 {
                try arrays.prepare(image: run.firstPixel / arrays.shape.pixelsPerImage)
            }
            let (largestIndex, largestStride) = placeOfLargest(run)
            let (outside, clamped) = Kernels.take(
                elements, from: index, run, labels: arrays.labels.codes, scores: arrays.scores,
                predicted: arrays.predicted, largest: largest, largestIndex: largestIndex,
                largestStride: largestStride)
            if let outside {
                throw .probabilityOutOfRange(
                    elements.doubleValue(at: index + outside),
                    at: arrays.shape.position(of: run.firstPixel + outside * run.stride), classIndex: run.classIndex,
                    elements.lookalike(from: index + outside))
            }
            arrays.clamped.add(clamped)
            if clamped == 0 {
                blocks?.take(elements, from: index, run)
            } else if let blocks {
                Kernels.withClampedElements(elements, from: index, count: run.count) { elements, done in
                    blocks.take(elements, from: 0, run.part(from: done, count: elements.count))
                }
            }
            index += run.count
        }
    }

    private func placeOfLargest(_ run: ElementRuns.Run) -> (index: Int, stride: Int) {
        guard blocks != nil else { return (run.firstPixel, run.stride) }
        return switch arrays.layout.order {
        case .c: (run.firstPixel % arrays.shape.pixelsPerImage, 1)
        case .fortran: (run.firstPixel / arrays.shape.pixelsPerImage, 1)
        }
    }
}
