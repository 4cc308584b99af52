package import Memory

/// The probabilities that pixels give to their own label. ``OwnBand`` fills them from a whole file, ``OwnAccumulator``
/// from an array as it arrives.
package struct OwnProbabilities: Sendable {
    package let shape: ScoringShape
    let layout: TensorLayout
    let labels: LabelMap
    let scores: PixelScores
    let ignored: Int32
    let clamped = ClampCount()

    /// How many pixels can be looked through for classes at once.
    static let pixelLimit = Int(UInt32.max)

    /// Whether single probabilities can be read from a file. In Fortran order those of a pixel are neighbours, so that
    /// all are read.
    package static func canRead(_ order: TensorLayout.Order) -> Bool { order == .c }

    /// - Parameters:
    ///   - labels: All labels, `(N, H, W)`.
    ///   - layout: `(N, K, H, W)` of a floating-point type, in C order.
    ///   - ignoredLabel: A label value whose pixels take no part.
    /// - Throws: What ``ScoringShape/init(labels:predictedProbabilities:)`` throws,
    ///   ``ScoringError/elementType(_:_:)`` or ``ScoringError/memory(_:)``.
    package init(labels: LabelMap, layout: TensorLayout, ignoredLabel: Int64?) throws(ScoringError) {
        precondition(Self.canRead(layout.order))
        shape = try ScoringShape(labels: labels.shape, predictedProbabilities: layout.shape)
        // The extents of classes within a row are counted in 32 bits.
        guard shape.width <= Self.pixelLimit else { throw .memory(.tooLarge(shape: layout.shape)) }
        self.layout = layout
        self.labels = try labels.holding(classCount: shape.classCount)
        scores = try PixelScores(
            count: shape.pixelCount, for: layout.elementType.scalar, of: .predictedProbabilities)
        ignored = self.labels.code(ofIgnored: ignoredLabel)
    }

    var runs: ElementRuns {
        ElementRuns(
            imageCount: shape.imageCount, classCount: shape.classCount, height: shape.height, width: shape.width,
            order: .c)
    }

    /// Deals out the rows to several readers.
    ///
    /// - Parameters:
    ///   - count: How many readers are wanted; there are fewer if there are fewer rows.
    /// - Throws: ``ScoringError/memory(_:)``.
    package func bands(_ count: Int) throws(ScoringError) -> [OwnBand] {
        let count = max(min(count, shape.height), 1)
        return try (0..<count).map { (band) throws(ScoringError) in
            try OwnBand(self, rows: band * shape.height / count..<(band + 1) * shape.height / count)
        }
    }

    /// The pixels, after all have been read. Those whose label is no class have any score at all, until ``Softmin``
    /// refuses or ignores them.
    package func finish() -> ScoredPixels {
        ScoredPixels(
            shape: shape, labels: labels, scores: scores, predicted: nil, largest: nil, blocks: nil,
            clampedCount: clamped.value)
    }
}
