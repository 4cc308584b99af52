package import Memory

/// Takes `labels` as they arrive, or other classes, and keeps them in one or two bytes each.
package final class LabelAccumulator: ArrayAccumulator {
    private let layout: TensorLayout
    private var stream: ElementStream
    private var runs: ElementRuns
    private var raw: RawLabels
    private var mapper: LabelMapper?

    /// - Parameters:
    ///   - layout: Labels of any shape and any integer type, bool, or floats that hold whole numbers.
    ///   - pixelLimit: The largest number of labels.
    ///   - rule: What labels stand for, as far as that is known; nil if they are classes.
    ///   - array: The array that errors name.
    /// - Throws: ``ScoringError/dimensions(_:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)`` or ``ScoringError/memory(_:)``.
    package convenience init(
        layout: TensorLayout, pixelLimit: Int, rule: LabelRule? = nil, of array: ScoringError.Array = .labels
    ) throws(ScoringError) {
        guard (1...AxisReading.rankLimit).contains(layout.shape.count) else {
            throw .dimensions(array, shape: layout.shape)
        }
        guard layout.elementCount > 0 else { throw .emptyArray(array, shape: layout.shape) }
        guard layout.elementCount <= pixelLimit else {
            throw .tooManyPixels(array, count: layout.elementCount, limit: pixelLimit)
        }
        try self.init(layout, try RawLabels(count: layout.elementCount), rule)
    }

    /// Goes on with labels of which some have come.
    ///
    /// - Parameters:
    ///   - raw: All labels, of which the first `count` elements of the array are known.
    init(
        _ layout: TensorLayout, _ raw: RawLabels, _ rule: LabelRule?, resumingAt count: Int = 0
    ) throws(ScoringError) {
        self.layout = layout
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        runs = ElementRuns(ofPixelsIn: layout)
        self.raw = raw
        mapper = try rule.map { (rule) throws(ScoringError) in try LabelMapper(count: layout.elementCount, by: rule) }
        while runs.position < count {
            let run = runs.next(limit: count - runs.position)
            try mapper?.take(run, of: raw)
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
        ArrivedLabels(layout: layout, raw: raw, mapped: mapper?.finish())
    }

    /// Stores the next elements, from an index on.
    func store(_ elements: Kernels.NativeElements, from start: Int = 0) throws(ScoringError) {
        var index = start
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            try raw.store(elements, from: index, run)
            try mapper?.take(run, of: raw)
            index += run.count
        }
    }
}
