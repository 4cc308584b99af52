package import Tensors

/// Takes `pred_probs` as they arrive and keeps what each pixel gives to its own label.
///
/// Every plane is looked at once and forgotten: memory grows with pixels, not with classes. That the probabilities are
/// finite and in `[0, 1]` is proved here, and nowhere again.
package final class PixelAccumulator {
    package let shape: ScoringShape
    private let elementType: ElementType
    private let order: TensorLayout.Order
    private let labels: LabelMap
    private let scores: PixelScores
    private var stream: ElementStream
    private var runs: ElementRuns
    private var elementsDone = 0

    /// - Parameters:
    ///   - labels: All labels, `(N, H, W)`.
    ///   - layout: `(N, K, H, W)` of a floating-point type.
    /// - Throws: What ``ScoringShape/init(labels:predictedProbabilities:)`` throws,
    ///   ``ScoringError/elementType(_:_:)`` or ``ScoringError/memory(_:)``.
    package init(labels: LabelMap, layout: TensorLayout) throws(ScoringError) {
        shape = try ScoringShape(labels: labels.shape, predictedProbabilities: layout.shape)
        elementType = layout.elementType
        order = layout.order
        self.labels = labels
        scores = try PixelScores(count: shape.pixelCount, for: elementType.scalar, of: .predictedProbabilities)
        stream = ElementStream(elementByteCount: elementType.scalar.byteCount)
        runs = ElementRuns(
            imageCount: shape.imageCount, classCount: shape.classCount, height: shape.height, width: shape.width,
            order: layout.order)
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

    /// All planes have been seen.
    package func finish() -> ScoredPixels {
        ScoredPixels(shape: shape, labels: labels, scores: scores)
    }

    private func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            if let bad = Kernels.select(elements, from: index, run, labels: labels.codes, into: scores) {
                throw .probabilityOutOfRange(
                    elements.doubleValue(at: index + bad),
                    at: shape.position(of: run.firstPixel + bad * run.stride), classIndex: run.classIndex)
            }
            index += run.count
        }
        elementsDone += elements.count
    }
}
