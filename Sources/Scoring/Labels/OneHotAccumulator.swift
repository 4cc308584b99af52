package import Memory

/// Takes one-hot `labels`, which say for each class and pixel by 0 or 1 whether the pixel is of the class, and keeps the
/// class of each pixel.
package final class OneHotAccumulator: ArrayAccumulator {
    private let layout: TensorLayout
    private var stream: ElementStream
    private var runs: ElementRuns
    /// The class of each pixel; all ones for a pixel of which no class has come.
    private let codes: ClassCodes
    /// Some elements, in one byte each.
    private let scratch: Buffer<UInt8>

    /// - Parameters:
    ///   - layout: `(N, K, H, W)` of any integer type, bool, or floats.
    ///   - pixelLimit: The largest N·H·W.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)``, ``ScoringError/tooManyClasses(_:limit:)`` or
    ///   ``ScoringError/memory(_:)``.
    package init(layout: TensorLayout, pixelLimit: Int) throws(ScoringError) {
        let shape = layout.shape
        guard shape.count == 4 else { throw .rank(.labels, expected: 4, shape: shape) }
        guard layout.elementCount > 0 else { throw .emptyArray(.labels, shape: shape) }
        // Labels of classes with an axis too many are met far more often than labels of a single class.
        guard shape[1] > 1 else { throw .rank(.labels, expected: 3, shape: shape) }
        let pixelCount = layout.elementCount / shape[1]
        guard pixelCount <= pixelLimit else { throw .tooManyPixels(.labels, count: pixelCount, limit: pixelLimit) }
        guard shape[1] <= ScoringShape.classLimit else {
            throw .tooManyClasses(shape[1], limit: ScoringShape.classLimit)
        }
        self.layout = layout
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        runs = ElementRuns(
            imageCount: shape[0], classCount: shape[1], height: shape[2], width: shape[3], order: layout.order)
        codes = try ClassCodes(count: pixelCount, isWide: shape[1] > UInt8.max)
        scratch = try allocate(min(pixelCount, 1 << 14), isZeroed: false)
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
                try store(native)
            }
        }
    }

    /// The labels as classes, `(N, H, W)`, after all elements have come.
    ///
    /// - Throws: ``ScoringError/oneHot(_:at:)`` for the first pixel that is of no class.
    package func finish() throws(ScoringError) -> LabelMap {
        let shape = layout.shape
        if let pixel = Kernels.firstLabelOutside(codes, 0..<codes.count, classCount: shape[1], ignored: -1) {
            throw fault(.none, at: pixel)
        }
        return LabelMap(shape: [shape[0], shape[2], shape[3]], codes: codes, others: [])
    }

    private func store(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: min(elements.count - index, scratch.count))
            let flat = ElementRuns.Run(classIndex: 0, firstPixel: 0, stride: 1, count: run.count)
            let count = Kernels.narrowLabels(
                elements, from: index, flat, after: 0, into: .narrow(scratch), limit: Int(UInt8.max))
            // The elements ahead of one that is no byte may have a fault too, which then is the first.
            if let faulty = mark(run, count) {
                let isRepeated = elements.labelValue(at: index + faulty) == .integer(1)
                throw fault(
                    isRepeated ? .several : .value(elements.labelValue(at: index + faulty)),
                    at: run.firstPixel + faulty * run.stride)
            }
            guard count == run.count else {
                throw fault(
                    .value(elements.labelValue(at: index + count)), at: run.firstPixel + count * run.stride)
            }
            index += run.count
        }
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

    private func fault(_ fault: ScoringError.OneHotFault, at pixel: Int) -> ScoringError {
        .oneHot(fault, at: ScoringError.Position(pixel: pixel, height: layout.shape[2], width: layout.shape[3]))
    }
}
