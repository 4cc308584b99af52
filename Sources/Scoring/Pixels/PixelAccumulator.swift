package import Memory

/// Takes `pred_probs` as they arrive and keeps of each pixel the probability of its own label, its most probable class,
/// and the probability of that class.
///
/// Every plane is looked at once and forgotten, so that memory grows with pixels, not with classes. That the
/// probabilities are finite and in `[0, 1]` is proved here, and not again.
package final class PixelAccumulator: ProbabilityAccumulator {
    package var shape: ScoringShape { arrays.shape }
    private let arrays: PixelArrays
    private let cursor: PixelCursor
    private var stream: ElementStream
    private var elementsDone = 0

    /// - Parameters:
    ///   - labels: All labels, `(N, H, W)`.
    ///   - layout: `(N, K, H, W)` of a floating-point type, as ``AxisReading/plain(_:)`` has it, or as `sampling` says.
    ///   - activation: What turns the values into probabilities.
    ///   - sampling: What brings the values to the pixels of the labels.
    ///   - downsample: The extent of the blocks that confident learning is to look at, at least 1; blocks of 1 are the
    ///     pixels themselves.
    ///   - ignoredLabel: A label value whose pixels have no part in their blocks.
    /// - Throws: What ``ScoringShape/init(labels:predictedProbabilities:)`` throws,
    ///   ``ScoringError/elementType(_:_:)``, ``ScoringError/memory(_:)``; with blocks also
    ///   ``ScoringError/downsample(_:height:width:)`` or ``ScoringError/fortranOrder(_:)``, which with `sampling` is
    ///   thrown too, as is ``ScoringError/validExtents(_:valid:actual:)``.
    package init(
        labels: LabelMap, layout: TensorLayout, activation: Activation = .identity, sampling: Sampling = .none,
        downsample: Int = 1, ignoredLabel: Int64? = nil
    ) throws(ScoringError) {
        arrays = try PixelArrays(
            labels: labels, layout: layout, activation: activation, sampling: sampling, downsample: downsample,
            ignoredLabel: ignoredLabel)
        // Each image is prepared when its first probability comes. To prepare all of them now would hold up the thread
        // that reads, for a client that has sent hardly a byte.
        cursor = try PixelCursor(arrays, preparesImages: true)
        stream = ElementStream(elementByteCount: layout.elementType.scalar.byteCount)
    }

    /// Proves what can be proved of `pred_probs` before the labels are there.
    ///
    /// - Parameters:
    ///   - layout: The layout in which the array comes, whose axes are not known yet: the classes may be on the first,
    ///     the second or the last.
    ///   - pixelLimit: The largest N·H·W.
    /// - Throws: ``ScoringError/dimensions(_:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/tooManyClasses(_:limit:)``, ``ScoringError/tooManyPixels(_:count:limit:)`` or
    ///   ``ScoringError/elementType(_:_:)``.
    package static func check(_ layout: TensorLayout, pixelLimit: Int) throws(ScoringError) {
        let shape = layout.shape
        guard (2...AxisReading.rankLimit).contains(shape.count) else {
            throw .dimensions(.predictedProbabilities, shape: shape)
        }
        guard !shape.contains(0) else { throw .emptyArray(.predictedProbabilities, shape: shape) }
        let classCounts = [shape[0], shape[1], shape[shape.count - 1]]
        guard classCounts.contains(where: { $0 <= ScoringShape.classLimit }) else {
            throw .tooManyClasses(shape[1], limit: ScoringShape.classLimit)
        }
        let pixelCount = layout.elementCount / (classCounts.max() ?? 1)
        guard pixelCount <= pixelLimit else {
            throw .tooManyPixels(.predictedProbabilities, count: pixelCount, limit: pixelLimit)
        }
        guard layout.elementType.scalar.isFloatingPoint else {
            throw .elementType(.predictedProbabilities, layout.elementType.scalar)
        }
    }

    /// How many images have arrived in whole; in Fortran order none has before the last byte.
    package var imagesDone: Int {
        switch arrays.layout.order {
        case .c: elementsDone / (arrays.layout.elementCount / shape.imageCount)
        case .fortran: elementsDone == arrays.layout.elementCount ? shape.imageCount : 0
        }
    }

    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``,
    ///   ``ScoringError/activationInput(_:_:at:classIndex:_:)``, ``ScoringError/noProbabilities(_:at:_:)`` or
    ///   ``ScoringError/probabilitiesAsLogits(_:)``; with blocks also
    ///   ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    package func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        precondition(
            FilePieces.areInFileOrder(arrays.layout.order, downsample: arrays.side, arrays.activation))
        try stream.append(bytes) { (elements) throws(ScoringError) in
            try Kernels.withNativeElements(elements, of: arrays.layout.elementType) { (native) throws(ScoringError) in
                try cursor.take(native)
                elementsDone += native.count
            }
        }
    }

    /// Deals out the pixels to several readers of a whole file, which take the place of ``receive(_:)``.
    ///
    /// - Parameters:
    ///   - count: How many readers are wanted; there are fewer if there are fewer lines.
    /// - Throws: ``ScoringError/memory(_:)``, and with blocks ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    package func bands(_ count: Int) throws(ScoringError) -> [PixelBand] {
        if arrays.blocks != nil {
            for image in 0..<shape.imageCount { try arrays.prepare(image: image) }
        }
        if let grid = arrays.grid {
            return try grid.bands(count, side: arrays.side, comesTwice: arrays.comeTwice).map {
                (band) throws(ScoringError) in try PixelBand(arrays, pieces: band.pieces, rows: band.rows)
            }
        }
        let bands = FilePieces.bands(
            count, of: arrays.layout, side: arrays.side, comesTwice: arrays.comeTwice)
        return try bands.map { (pieces) throws(ScoringError) in try PixelBand(arrays, pieces: pieces) }
    }

    /// How many bytes the bands read together.
    package var byteCountOfBands: Int { arrays.layout.byteCount * (arrays.comeTwice ? 2 : 1) }

    package func finish() -> ScoredPixels {
        arrays.finish()
    }
}
