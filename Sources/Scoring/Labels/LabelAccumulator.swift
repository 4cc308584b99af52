package import Memory

/// Takes `labels` as they arrive and keeps them in one byte each, or in two bytes from the first label on that needs
/// two.
package final class LabelAccumulator: ArrayAccumulator {
    private let layout: TensorLayout
    private var stream: ElementStream
    private var runs: ElementRuns
    private var codes: ClassCodes
    private var others: [LabelMap.Other] = []

    /// - Parameters:
    ///   - layout: `(N, H, W)` of any integer type, bool, or floats that hold whole numbers.
    ///   - pixelLimit: The largest N·H·W.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)`` or ``ScoringError/memory(_:)``.
    package init(layout: TensorLayout, pixelLimit: Int) throws(ScoringError) {
        guard layout.shape.count == 3 else { throw .rank(.labels, expected: 3, shape: layout.shape) }
        guard layout.elementCount > 0 else { throw .emptyArray(.labels, shape: layout.shape) }
        guard layout.elementCount <= pixelLimit else {
            throw .tooManyPixels(.labels, count: layout.elementCount, limit: pixelLimit)
        }
        self.layout = layout
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        // In C order one image follows the other without a gap, so that all count as one image. A run for each would be
        // slow if they are small, and a few bytes may unpack to very many of them.
        let isOne = layout.order == .c
        runs = ElementRuns(
            imageCount: isOne ? 1 : layout.shape[0], classCount: 1,
            height: isOne ? layout.shape[0] * layout.shape[1] : layout.shape[1], width: layout.shape[2],
            order: layout.order)
        codes = .narrow(try allocate(layout.elementCount, isZeroed: false))
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
    package func finish() -> LabelMap {
        LabelMap(shape: layout.shape, codes: codes, others: others)
    }

    private func store(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            var done = 0
            while done < run.count {
                done += Kernels.narrowLabels(elements, from: index + done, run, after: done, into: codes)
                if done < run.count {
                    try keep(elements.labelValue(at: index + done), at: run.firstPixel + done * run.stride)
                    done += 1
                }
            }
            index += run.count
        }
    }

    /// Keeps a label that the codes cannot hold: in wider codes if that helps, else as one of the others.
    private func keep(_ value: LabelValue, at pixel: Int) throws(ScoringError) {
        let wide: Buffer<UInt16>
        switch codes {
        case .wide(let labels): wide = labels
        case .narrow(let labels):
            wide = try allocate(labels.count, isZeroed: false)
            Kernels.widen(labels, into: wide)
            codes = .wide(wide)
        }
        var code = ClassCodes.other
        if case .integer(let label) = value, (0..<Int64(ClassCodes.other)).contains(label) {
            code = UInt16(label)
        } else if others.count < 2, !others.contains(where: { $0.value == value }) {
            others.append(LabelMap.Other(value: value, pixel: pixel))
        }
        wide.withMutableSpan { $0[pixel] = code }
    }
}
