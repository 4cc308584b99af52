package import Memory

/// Takes `own` or `largest` as it arrives: a probability of each pixel, found from all of its probabilities beforehand.
///
/// That they are finite and in `[0, 1]` is proved here, and not again.
package final class ReducedScores: ArrayAccumulator {
    private let array: ScoringError.Array
    private let layout: TensorLayout
    private var stream: ElementStream
    private var runs: ElementRuns

    /// What came, in the type that ``PixelScores`` keep. Those of `own` that rounding had led beyond [0, 1] are the
    /// nearer end of it. Those of `largest` stay as they came, as do those that are found here.
    let scores: PixelScores

    /// How many of the probabilities rounding had led beyond [0, 1].
    private(set) var clampedCount = 0

    /// The shape of labels, each extent at least 1.
    var shape: [Int] { layout.shape }

    /// - Parameters:
    ///   - array: Which of the two arrays it is.
    ///   - layout: A layout of the shape of labels and of a floating-point type.
    ///   - pixelLimit: The largest number of pixels.
    /// - Throws: ``ScoringError/dimensions(_:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)``, ``ScoringError/elementType(_:_:)`` or
    ///   ``ScoringError/memory(_:)``.
    package init(_ array: ScoringError.Array, layout: TensorLayout, pixelLimit: Int) throws(ScoringError) {
        precondition(array == .own || array == .largest)
        let shape = layout.shape
        guard (1..<AxisReading.rankLimit).contains(shape.count) else { throw .dimensions(array, shape: shape) }
        guard layout.elementCount > 0 else { throw .emptyArray(array, shape: shape) }
        guard layout.elementCount <= pixelLimit else {
            throw .tooManyPixels(array, count: layout.elementCount, limit: pixelLimit)
        }
        self.array = array
        self.layout = layout
        scores = try PixelScores(count: layout.elementCount, for: layout.elementType.scalar, of: array)
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        runs = ElementRuns(ofPixelsIn: layout)
    }

    /// Takes the next bytes; all calls together bring `layout.byteCount` bytes.
    ///
    /// - Throws: ``ScoringError/reducedOutOfRange(_:_:at:)``.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: layout.elementType) { (native) throws(ScoringError) in
                try take(native)
            }
        }
    }

    private func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            let (outside, clamped) = Kernels.takeScores(
                elements, from: index, run, clamps: array == .own, into: scores)
            if let outside {
                let read = LabelShape(shape, hasImageAxis: AxisReading.hasImageAxis(ofRank: shape.count))
                throw .reducedOutOfRange(
                    array, elements.doubleValue(at: index + outside),
                    at: read.position(of: run.firstPixel + outside * run.stride))
            }
            clampedCount += clamped
            index += run.count
        }
    }
}
