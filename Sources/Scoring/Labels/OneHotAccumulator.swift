package import Memory

/// Takes one-hot `labels`, which say for each class and pixel by 0 or 1 whether the pixel is of the class, and keeps the
/// class of each pixel.
package final class OneHotAccumulator: ArrayAccumulator {
    let layout: TensorLayout
    let shape: LabelShape
    let classCount: Int
    private var stream: ElementStream
    private var runs: ElementRuns
    /// The class of each pixel; all ones for a pixel of which no class has come.
    let codes: ClassCodes
    /// Some elements, in one byte each.
    private let scratch: Buffer<UInt8>

    /// A fault, and the element that has it.
    struct Fault {
        let error: ScoringError
        /// How many of the elements ahead of it, of those that came together, are in order.
        let index: Int
        /// How many elements of the whole array stand ahead of it.
        let position: Int
    }

    /// - Parameters:
    ///   - layout: `(N, K, H, W)`, with any extents of space in place of the last two, of any integer type, bool, or
    ///     floats.
    ///   - hasImageAxis: Whether the first axis counts images; else it is that of classes.
    ///   - pixelLimit: The largest N·H·W.
    /// - Throws: ``ScoringError/dimensions(_:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/singleClass(labels:axis:)``, ``ScoringError/tooManyPixels(_:count:limit:)``,
    ///   ``ScoringError/tooManyClasses(_:limit:)`` or ``ScoringError/memory(_:)``.
    package init(layout: TensorLayout, hasImageAxis: Bool = true, pixelLimit: Int) throws(ScoringError) {
        let axis = hasImageAxis ? 1 : 0
        guard (axis + 2...AxisReading.rankLimit).contains(layout.shape.count) else {
            throw .dimensions(.labels, shape: layout.shape)
        }
        guard layout.elementCount > 0 else { throw .emptyArray(.labels, shape: layout.shape) }
        var dimensions = layout.shape
        classCount = dimensions.remove(at: axis)
        guard classCount > 1 else { throw .singleClass(labels: layout.shape, axis: axis) }
        shape = LabelShape(dimensions, hasImageAxis: hasImageAxis)
        guard shape.pixelCount <= pixelLimit else {
            throw .tooManyPixels(.labels, count: shape.pixelCount, limit: pixelLimit)
        }
        guard classCount <= ScoringShape.classLimit else {
            throw .tooManyClasses(classCount, limit: ScoringShape.classLimit)
        }
        self.layout = layout
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        runs = ElementRuns(
            imageCount: shape.imageCount, classCount: classCount, height: shape.height, width: shape.width,
            order: layout.order, rows: shape.rows)
        codes = try ClassCodes(count: shape.pixelCount, isWide: classCount > UInt8.max)
        scratch = try allocate(min(shape.pixelCount, 1 << 14), isZeroed: false)
        switch codes {
        case .narrow(let codes): codes.withMutableSpan { $0.update(repeating: .max) }
        case .wide(let codes): codes.withMutableSpan { $0.update(repeating: .max) }
        }
    }

    /// Takes the next bytes; all calls together bring `layout.byteCount` bytes.
    ///
    /// - Throws: ``ScoringError/oneHot(_:at:)``.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: layout.elementType) { (native) throws(ScoringError) in
                if let fault = store(native) { throw fault.error }
            }
        }
    }

    /// The labels as classes, after all elements have come.
    ///
    /// - Throws: ``ScoringError/oneHot(_:at:)`` for the first pixel that is of no class.
    package func finish() throws(ScoringError) -> LabelMap {
        try LabelMap(ones: codes, classCount: classCount, shape: shape)
    }

    /// Stores the next elements.
    ///
    /// - Returns: The first fault. The elements ahead of it have been stored.
    func store(_ elements: Kernels.NativeElements) -> Fault? {
        var index = 0
        while index < elements.count {
            let start = runs.position
            let run = runs.next(limit: min(elements.count - index, scratch.count))
            let flat = ElementRuns.Run(classIndex: 0, firstPixel: 0, stride: 1, count: run.count)
            let count = Kernels.narrowLabels(
                elements, from: index, flat, after: 0, into: .narrow(scratch), limit: Int(UInt8.max))
            // The elements ahead of one that is no byte may have a fault too, which then is the first.
            let faulty = mark(run, count) ?? (count == run.count ? nil : count)
            if let faulty {
                let value = elements.labelValue(at: index + faulty)
                let isRepeated = faulty < count && value == .integer(1)
                let error = ScoringError.oneHot(
                    isRepeated ? .several : .value(value),
                    at: shape.position(of: run.firstPixel + faulty * run.stride))
                return Fault(error: error, index: index + faulty, position: start + faulty)
            }
            index += run.count
        }
        return nil
    }

    /// Gives the class of a run to those of its first pixels that have a one in ``scratch``.
    ///
    /// - Returns: The first element of the run that is neither 0 nor 1, or the second 1 of its pixel; nil if all are in
    ///   order.
    private func mark(_ run: ElementRuns.Run, _ count: Int) -> Int? {
        switch codes {
        case .narrow(let codes): codes.withMutableSpan { Self.mark(run, count, scratch, &$0) }
        case .wide(let codes): codes.withMutableSpan { Self.mark(run, count, scratch, &$0) }
        }
    }

    private static func mark<Code: FixedWidthInteger & BitwiseCopyable>(
        _ run: ElementRuns.Run, _ count: Int, _ scratch: Buffer<UInt8>, _ codes: inout MutableSpan<Code>
    ) -> Int? {
        let values = scratch.span
        let code = Code(run.classIndex)
        for index in 0..<count where values[index] != 0 {
            let pixel = run.firstPixel + index * run.stride
            guard values[index] == 1, codes[pixel] == .max else { return index }
            codes[pixel] = code
        }
        return nil
    }
}

extension LabelMap {
    /// The classes of one-hot labels.
    ///
    /// - Parameters:
    ///   - codes: The class of each pixel; all ones for a pixel of no class.
    /// - Throws: ``ScoringError/oneHot(_:at:)`` for the first pixel that is of no class.
    init(ones codes: ClassCodes, classCount: Int, shape: LabelShape) throws(ScoringError) {
        if let pixel = Kernels.firstLabelOutside(codes, 0..<codes.count, classCount: classCount, ignored: -1) {
            throw .oneHot(.none, at: shape.position(of: pixel))
        }
        self.init(shape: shape, codes: codes, others: [])
    }
}
