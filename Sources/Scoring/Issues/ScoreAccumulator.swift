package import Memory

/// Takes an array of scores as it arrives: `image_scores` or `pixel_scores`.
package final class ScoreAccumulator: ArrayAccumulator {
    package let shape: [Int]
    private let elementType: ElementType
    private let scores: PixelScores
    private var stream: ElementStream
    private var runs: ElementRuns

    /// - Parameters:
    ///   - array: Which of the two arrays: `(N,)`, or `(N, H, W)` with any extents of space in place of the last two,
    ///     and without N for the pixels of one image.
    ///   - layout: A layout of a floating-point type.
    ///   - limit: The largest number of elements.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/dimensions(_:shape:)``,
    ///   ``ScoringError/emptyArray(_:shape:)``, ``ScoringError/tooManyPixels(_:count:limit:)``,
    ///   ``ScoringError/elementType(_:_:)`` or ``ScoringError/memory(_:)``.
    package init(_ array: ScoringError.Array, layout: TensorLayout, limit: Int) throws(ScoringError) {
        guard array == .pixelScores || layout.shape.count == 1 else {
            throw .rank(array, expected: 1, shape: layout.shape)
        }
        guard (1..<AxisReading.rankLimit).contains(layout.shape.count) else {
            throw .dimensions(array, shape: layout.shape)
        }
        guard layout.elementCount > 0 else { throw .emptyArray(array, shape: layout.shape) }
        guard layout.elementCount <= limit else {
            throw .tooManyPixels(array, count: layout.elementCount, limit: limit)
        }
        shape = layout.shape
        elementType = layout.elementType
        scores = try PixelScores(count: layout.elementCount, for: elementType.scalar, of: array)
        stream = ElementStream(elementByteCount: elementType.scalar.byteCount)
        runs = ElementRuns(ofPixelsIn: layout)
    }

    /// Takes the next bytes; all calls together bring the whole array.
    package func receive(_ bytes: borrowing Span<UInt8>) {
        stream.append(bytes) { elements in
            Kernels.withNativeElements(elements, of: elementType) { native in
                var index = 0
                while index < native.count {
                    let run = runs.next(limit: native.count - index)
                    Kernels.copy(native, from: index, run, into: scores)
                    index += run.count
                }
            }
        }
    }

    /// The scores, after all of them have come.
    package func finish() -> PixelScores {
        scores
    }
}
