package import Tensors

/// Takes `pred_probs` as they arrive and keeps what each pixel gives to its own label, which class it finds most probable,
/// and how probable that is.
///
/// Every plane is looked at once and forgotten: memory grows with pixels, not with classes. That the probabilities are
/// finite and in `[0, 1]` is proved here, and nowhere again.
package final class PixelAccumulator {
    package let shape: ScoringShape
    private let elementType: ElementType
    private let order: TensorLayout.Order
    private let labels: LabelMap
    private let scores: PixelScores
    private let predicted: ClassCodes
    /// Of all pixels; with blocks only of those whose classes are still coming.
    private let largest: PixelScores
    private let blocks: BlockAccumulator?
    private var stream: ElementStream
    private var runs: ElementRuns
    private var elementsDone = 0

    /// - Parameters:
    ///   - labels: All labels, `(N, H, W)`.
    ///   - layout: `(N, K, H, W)` of a floating-point type.
    ///   - downsample: The extent of the blocks that confident learning is to look at, at least 1, which is for pixels.
    ///   - ignoredLabel: A label value whose pixels have no part in their blocks.
    /// - Throws: What ``ScoringShape/init(labels:predictedProbabilities:)`` throws,
    ///   ``ScoringError/elementType(_:_:)``, ``ScoringError/memory(_:)``; with blocks also
    ///   ``ScoringError/downsample(_:height:width:)`` and ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    package init(
        labels: LabelMap, layout: TensorLayout, downsample: Int = 1, ignoredLabel: Int64? = nil
    ) throws(ScoringError) {
        shape = try ScoringShape(labels: labels.shape, predictedProbabilities: layout.shape)
        try shape.check(downsample: downsample)
        elementType = layout.elementType
        order = layout.order
        self.labels = try labels.holding(classCount: shape.classCount)
        let scalar = elementType.scalar
        scores = try PixelScores(count: shape.pixelCount, for: scalar, of: .predictedProbabilities)
        predicted = try ClassCodes(count: shape.pixelCount, isWide: self.labels.codes.isWide)
        if downsample == 1 {
            largest = try PixelScores(count: shape.pixelCount, for: scalar, of: .predictedProbabilities)
            blocks = nil
        } else {
            for image in 0..<shape.imageCount {
                try labels.check(image: image, classCount: shape.classCount, ignoredLabel: ignoredLabel)
            }
            let count = order == .c ? shape.pixelsPerImage : shape.imageCount
            largest = try PixelScores(count: count, for: scalar, of: .predictedProbabilities)
            blocks = try BlockAccumulator(
                labels: self.labels, shape: shape, order: order, side: downsample,
                ignored: self.labels.code(ofIgnored: ignoredLabel))
        }
        stream = ElementStream(elementByteCount: elementType.scalar.byteCount)
        runs = ElementRuns(
            imageCount: shape.imageCount, classCount: shape.classCount, height: shape.height, width: shape.width,
            order: order, blockSide: downsample)
    }

    /// Proves what can be proved of `pred_probs` before the labels are there.
    ///
    /// - Parameters:
    ///   - pixelLimit: The largest N·H·W.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyClasses(_:limit:)``, ``ScoringError/tooManyPixels(_:count:limit:)`` or
    ///   ``ScoringError/elementType(_:_:)``.
    package static func check(_ layout: TensorLayout, pixelLimit: Int) throws(ScoringError) {
        let shape = layout.shape
        guard shape.count == 4 else { throw .rank(.predictedProbabilities, expected: 4, shape: shape) }
        let expected = try ScoringShape(labels: [shape[0], shape[2], shape[3]], predictedProbabilities: shape)
        guard expected.pixelCount <= pixelLimit else {
            throw .tooManyPixels(.predictedProbabilities, count: expected.pixelCount, limit: pixelLimit)
        }
        guard layout.elementType.scalar.isFloatingPoint else {
            throw .elementType(.predictedProbabilities, layout.elementType.scalar)
        }
    }

    /// How many images are in whole; in Fortran order, none before the last byte.
    package var imagesDone: Int {
        switch order {
        case .c: elementsDone / (shape.classCount * shape.pixelsPerImage)
        case .fortran: elementsDone == shape.classCount * shape.pixelCount ? shape.imageCount : 0
        }
    }

    /// Takes the next bytes; all calls together bring the whole array.
    ///
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:)``.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: elementType) { (native) throws(ScoringError) in
                try take(native)
            }
        }
    }

    /// The order in which the bytes of a file that is there as a whole are to be received.
    ///
    /// - Parameters:
    ///   - layout: The file's: that which the accumulator was made with.
    package func pieces(of layout: TensorLayout) -> FilePieces {
        FilePieces(layout, downsample: blocks?.blocks.side ?? 1)
    }

    /// All planes have been seen.
    package func finish() -> ScoredPixels {
        let blocks = blocks?.blocks
        return ScoredPixels(
            shape: shape, labels: labels, scores: scores, predicted: predicted,
            largest: blocks.map { .float64($0.largest) } ?? largest, blocks: blocks)
    }

    private func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            let (largestIndex, largestStride) = placeOfLargest(run)
            let bad = Kernels.take(
                elements, from: index, run, labels: labels.codes, scores: scores, predicted: predicted,
                largest: largest, largestIndex: largestIndex, largestStride: largestStride)
            if let bad {
                throw .probabilityOutOfRange(
                    elements.doubleValue(at: index + bad),
                    at: shape.position(of: run.firstPixel + bad * run.stride), classIndex: run.classIndex)
            }
            blocks?.take(elements, from: index, run)
            index += run.count
        }
        elementsDone += elements.count
    }

    private func placeOfLargest(_ run: ElementRuns.Run) -> (index: Int, stride: Int) {
        guard blocks != nil else { return (run.firstPixel, run.stride) }
        return switch order {
        case .c: (run.firstPixel % shape.pixelsPerImage, 1)
        case .fortran: (run.firstPixel / shape.pixelsPerImage, 1)
        }
    }
}
