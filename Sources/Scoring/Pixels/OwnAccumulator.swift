package import Memory

/// Takes the probabilities that pixels give to their own label as they arrive without most of the others, which are all
/// that ``Softmin`` needs. The array is `(M, R, W)`: of each image and each band of R of its rows it has the planes of
/// the classes that are labels there, in ascending order.
///
/// Values that do not arrive are not proved to be probabilities.
package final class OwnAccumulator: ProbabilityAccumulator {
    private let own: OwnProbabilities
    /// `(M, R, W)`, as the client sent it.
    private let shape: [Int]
    private let bandRows: Int
    private var stream: ElementStream
    /// `(K,)`, zeros: working memory of ``Kernels/classExtents(_:_:ignored:gap:places:)``.
    private let places: Buffer<UInt32>

    /// The band whose classes arrive, counted over all images, and the classes of it that are still to come, the last
    /// first.
    private var band = -1
    private var classes: [Int] = []
    /// How much of the last of `classes` has arrived.
    private var elementsDone = 0
    /// Whether the array has the planes that it should have, as far as it has come.
    private var isAsExpected = true

    /// How many bands and pixels are looked through as soon as the array begins, to prove M. For a client that has sent
    /// hardly a byte, more would hold up the thread that reads; then M is proved as the planes come.
    private static let lookedThrough = (bands: 16 << 10, pixels: 4 << 20)

    /// - Parameters:
    ///   - labels: All labels, `(N, H, W)`.
    ///   - layout: `(M, R, W)` of a floating-point type, R a divisor of H.
    ///   - classCount: K, in `1...ScoringShape.classLimit`.
    ///   - ignoredLabel: A label value whose pixels take no part.
    /// - Throws: What ``check(_:)`` throws, ``ScoringError/memory(_:)``, or
    ///   ``ScoringError/shapeMismatch(_:expected:actual:)``, which ``finish()`` throws instead if there are too many
    ///   labels to find it now.
    package init(labels: LabelMap, layout: TensorLayout, classCount: Int, ignoredLabel: Int64?) throws(ScoringError) {
        try Self.check(layout)
        let (imageCount, height, width) = (labels.shape.imageCount, labels.shape.height, labels.shape.width)
        let whole: TensorLayout
        do throws(MemoryError) {
            whole = try TensorLayout(elementType: layout.elementType, shape: [imageCount, classCount, height, width])
        } catch {
            throw .memory(error)
        }
        shape = layout.shape
        own = try OwnProbabilities(labels: labels, layout: whole, ignoredLabel: ignoredLabel)
        bandRows = height % layout.shape[1] == 0 ? layout.shape[1] : height
        guard bandRows <= OwnProbabilities.pixelLimit / width else {
            throw .memory(.tooLarge(shape: layout.shape))
        }
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
        places = try allocate(classCount)

        isAsExpected = [bandRows, width] == layout.shape.dropFirst()
        if bandCount <= Self.lookedThrough.bands, own.shape.pixelCount <= Self.lookedThrough.pixels,
            shape[0] != expectedCount || !isAsExpected
        {
            throw mismatch
        }
        advance()
    }

    /// M. The classes of each band are looked for again when its planes come, since to keep them would take memory that
    /// is not counted.
    private var expectedCount: Int { (0..<bandCount).reduce(0) { $0 + classes(ofBand: $1).count } }

    private var mismatch: ScoringError {
        .shapeMismatch(
            .predictedProbabilities, expected: [expectedCount, bandRows, own.shape.width], actual: shape)
    }

    /// Proves what can be proved of the array before the labels are there.
    ///
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/fortranOrder(_:)`` or ``ScoringError/elementType(_:_:)``.
    package static func check(_ layout: TensorLayout) throws(ScoringError) {
        let shape = layout.shape
        guard shape.count == 3 else { throw .rank(.predictedProbabilities, expected: 3, shape: shape) }
        // If all pixels are ignored, no band has a class, and M is 0.
        guard !shape.dropFirst().contains(0) else { throw .emptyArray(.predictedProbabilities, shape: shape) }
        guard layout.order == .c else { throw .fortranOrder(.predictedProbabilities) }
        try checkType(layout)
    }

    /// Proves what can be proved of an array that may hold bands, or one image `(K, H, W)`.
    ///
    /// - Throws: ``ScoringError/emptyArray(_:shape:)`` or ``ScoringError/elementType(_:_:)``.
    package static func checkType(_ layout: TensorLayout) throws(ScoringError) {
        guard !layout.shape.dropFirst().contains(0) else {
            throw .emptyArray(.predictedProbabilities, shape: layout.shape)
        }
        guard layout.elementType.scalar.isFloatingPoint else {
            throw .elementType(.predictedProbabilities, layout.elementType.scalar)
        }
    }

    /// The number of bands of all images.
    private var bandCount: Int { own.shape.imageCount * own.shape.height / bandRows }

    private var pixelsPerBand: Int { bandRows * own.shape.width }

    package var imagesDone: Int { band * bandRows / own.shape.height }

    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: own.layout.elementType) { (native) throws(ScoringError) in
                try take(native)
            }
        }
    }

    private func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        var index = 0
        while index < elements.count, isAsExpected {
            guard let classIndex = classes.last else {
                isAsExpected = false
                return
            }
            let run = ElementRuns.Run(
                classIndex: classIndex, firstPixel: band * pixelsPerBand + elementsDone, stride: 1,
                count: min(elements.count - index, pixelsPerBand - elementsDone))
            let (outside, clamped) = Kernels.takeOwn(
                elements, from: index, run, labels: own.labels.codes, scores: own.scores)
            if let outside {
                throw .probabilityOutOfRange(
                    elements.doubleValue(at: index + outside), at: own.shape.position(of: run.firstPixel + outside),
                    classIndex: classIndex, elements.lookalike(from: index + outside))
            }
            own.clamped.add(clamped)
            index += run.count
            elementsDone += run.count
            if elementsDone == pixelsPerBand {
                elementsDone = 0
                classes.removeLast()
                advance()
            }
        }
    }

    /// If the band has no more classes to come, goes on to the next band that has any, or behind the last band.
    private func advance() {
        guard classes.isEmpty, band < bandCount else { return }
        // It is looked for by pixel, since bands without classes may be many more than there are elements.
        let rest = (band + 1) * pixelsPerBand..<own.shape.pixelCount
        let next = Kernels.firstLabelKept(
            own.labels.codes, rest, classCount: own.shape.classCount, ignored: own.ignored)
        band = next.map { $0 / pixelsPerBand } ?? bandCount
        if band < bandCount { classes = classes(ofBand: band) }
    }

    /// The classes that are labels in a band, in descending order.
    private func classes(ofBand band: Int) -> [Int] {
        let pixels = band * pixelsPerBand..<(band + 1) * pixelsPerBand
        return Kernels.classExtents(own.labels.codes, pixels, ignored: own.ignored, places: places)
            .map(\.classIndex).sorted(by: >)
    }

    package func finish() throws(ScoringError) -> ScoredPixels {
        guard isAsExpected, classes.isEmpty else { throw mismatch }
        return own.finish()
    }
}
