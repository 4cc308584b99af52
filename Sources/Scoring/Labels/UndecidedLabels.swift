package import Memory

/// Takes `labels` that come ahead of predictions, whose shape will tell whether they are one-hot or classes.
///
/// As long as they may be one-hot, with their classes on the second axis, the class of each pixel is kept: the elements
/// follow from it, so that labels of either kind take no more memory than they would if it was known. From the first
/// element on that no one-hot labels have, they are kept as classes.
package final class UndecidedLabels: ArrayAccumulator {
    private let layout: TensorLayout
    private let pixelLimit: Int
    private let rule: LabelRule?
    private var stream: ElementStream
    private var ones: OneHotAccumulator?
    private var elements: LabelAccumulator?
    /// What keeps ``elements`` from being one-hot.
    private var fault: ScoringError?

    /// Whether labels of a layout are better taken so: those with more axes than a stack of images. Of fewer, each
    /// element is kept.
    package static func takes(_ layout: TensorLayout) -> Bool {
        layout.shape.count > 3 && layout.shape[1] > 1
    }

    /// - Parameters:
    ///   - layout: `(N, K, H, W)`, with any extents of space in place of the last two, if the labels are one-hot.
    ///   - pixelLimit: The largest number of pixels.
    ///   - rule: What labels stand for, as far as that is known; nil if they are classes.
    /// - Throws: What a ``OneHotAccumulator`` or a ``LabelAccumulator`` throws.
    package init(layout: TensorLayout, pixelLimit: Int, rule: LabelRule?) throws(ScoringError) {
        self.layout = layout
        self.pixelLimit = pixelLimit
        self.rule = rule
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        if layout.shape[1] > ScoringShape.classLimit {
            elements = try LabelAccumulator(layout: layout, pixelLimit: pixelLimit, rule: rule)
            fault = .tooManyClasses(layout.shape[1], limit: ScoringShape.classLimit)
        } else {
            ones = try OneHotAccumulator(layout: layout, pixelLimit: pixelLimit)
        }
    }

    /// Takes the next bytes; all calls together bring `layout.byteCount` bytes.
    ///
    /// - Throws: ``ScoringError/memory(_:)``, or the fault of one-hot labels if these are too many for classes.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: layout.elementType) { (native) throws(ScoringError) in
                try store(native)
            }
        }
    }

    private func store(_ native: Kernels.NativeElements) throws(ScoringError) {
        if let elements { return try elements.store(native) }
        guard let ones, let fault = ones.store(native) else { return }
        guard layout.elementCount <= pixelLimit else { throw fault.error }
        let raw = try RawLabels(ones: ones.codes, of: ones.shape, classCount: ones.classCount)
        let elements = try LabelAccumulator(layout, raw, rule, resumingAt: fault.position)
        (self.ones, self.elements, self.fault) = (nil, elements, fault.error)
        try elements.store(native, from: fault.index)
    }

    /// The labels, after all of them have come.
    package func finish() -> ArrivedLabels {
        if let elements { return elements.finish().withFault(fault) }
        guard let ones else { preconditionFailure("labels are kept in one way") }
        return ArrivedLabels(ones, pixelLimit: pixelLimit)
    }
}

extension RawLabels {
    /// The elements of one-hot labels, a one for each pixel at its class.
    ///
    /// - Parameters:
    ///   - codes: The class of each pixel; all ones for a pixel of no class.
    ///   - shape: The shape without classes, whose images are the first axis.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(ones codes: ClassCodes, of shape: LabelShape, classCount: Int) throws(ScoringError) {
        let elements: Buffer<UInt8> = try allocate(shape.pixelCount * classCount)
        let plane = shape.pixelsPerImage
        elements.withMutableSpan { span in
            for image in 0..<shape.imageCount {
                for pixel in 0..<plane {
                    let code = codes[image * plane + pixel]
                    if code < classCount { span[(image * classCount + code) * plane + pixel] = 1 }
                }
            }
        }
        self.init(.narrow(elements))
    }

    /// The classes of labels that turn out to be one-hot.
    ///
    /// - Parameters:
    ///   - shape: The shape without classes.
    /// - Throws: ``ScoringError/oneHot(_:at:)``, ``ScoringError/tooManyClasses(_:limit:)`` or
    ///   ``ScoringError/memory(_:)``.
    func onesAsClasses(_ shape: LabelShape, classCount: Int) throws(ScoringError) -> LabelMap {
        guard classCount <= ScoringShape.classLimit else {
            throw .tooManyClasses(classCount, limit: ScoringShape.classLimit)
        }
        let classes = try ClassCodes(count: shape.pixelCount, isWide: classCount > UInt8.max)
        let fault =
            switch classes {
            case .narrow(let classes):
                classes.withMutableSpan { (span) in
                    span.update(repeating: .max)
                    return markOnes(shape, classCount, in: &span)
                }
            case .wide(let classes):
                classes.withMutableSpan { (span) in
                    span.update(repeating: .max)
                    return markOnes(shape, classCount, in: &span)
                }
            }
        if let fault { throw fault }
        return try LabelMap(ones: classes, classCount: classCount, shape: shape)
    }

    private func markOnes<Code: FixedWidthInteger & BitwiseCopyable>(
        _ shape: LabelShape, _ classCount: Int, in classes: inout MutableSpan<Code>
    ) -> ScoringError? {
        let plane = shape.pixelsPerImage
        for image in 0..<shape.imageCount {
            for classIndex in 0..<classCount {
                let first = (image * classCount + classIndex) * plane
                for offset in 0..<plane {
                    let (code, pixel) = (codes[first + offset], image * plane + offset)
                    guard code != 0 else { continue }
                    guard code == 1 else { return .oneHot(.value(value(of: code)), at: shape.position(of: pixel)) }
                    guard classes[pixel] == .max else { return .oneHot(.several, at: shape.position(of: pixel)) }
                    classes[pixel] = Code(classIndex)
                }
            }
        }
        return nil
    }
}
