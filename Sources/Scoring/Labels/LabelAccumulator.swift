package import Memory

/// Takes `labels` as they arrive, or other classes, and keeps them in one or two bytes each.
package final class LabelAccumulator: ArrayAccumulator {
    private let layout: TensorLayout
    private var stream: ElementStream
    private var runs: ElementRuns
    private var raw: RawLabels
    private var mapper: LabelMapper?

    /// - Parameters:
    ///   - layout: `(N, H, W)` of any integer type, bool, or floats that hold whole numbers.
    ///   - pixelLimit: The largest N·H·W.
    ///   - rule: What labels stand for, as far as that is known; nil if they are classes.
    ///   - array: The array that errors name.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)`` or ``ScoringError/memory(_:)``.
    package init(
        layout: TensorLayout, pixelLimit: Int, rule: LabelRule? = nil, of array: ScoringError.Array = .labels
    ) throws(ScoringError) {
        guard layout.shape.count == 3 else { throw .rank(array, expected: 3, shape: layout.shape) }
        guard layout.elementCount > 0 else { throw .emptyArray(array, shape: layout.shape) }
        guard layout.elementCount <= pixelLimit else {
            throw .tooManyPixels(array, count: layout.elementCount, limit: pixelLimit)
        }
        self.layout = layout
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        runs = ElementRuns(ofPixelsIn: layout)
        raw = try RawLabels(count: layout.elementCount)
        mapper = try rule.map { (rule) throws(ScoringError) in
            try LabelMapper(count: layout.elementCount, by: rule)
        }
    }

    /// Takes the next bytes; all calls together bring `layout.byteCount` bytes.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: layout.elementType) { (native) throws(ScoringError) in
                try store(native)
            }
        }
    }

    /// The labels, after all of them have come.
    package func finish() -> ArrivedLabels {
        ArrivedLabels(shape: layout.shape, raw: raw, mapped: mapper?.finish())
    }

    private func store(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            try raw.store(elements, from: index, run)
            try mapper?.take(run, of: raw)
            index += run.count
        }
    }
}
