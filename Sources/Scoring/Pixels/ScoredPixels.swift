package import Memory

/// The pixels after one pass over the probabilities: each with its label, the probability of its label, its most
/// probable class, and the probability of that class. ``OwnProbabilities`` have only the first two.
package struct ScoredPixels: Sendable {
    package private(set) var shape: ScoringShape
    let labels: LabelMap
    let scores: PixelScores
    let predicted: ClassCodes?
    let blocks: BlockProbabilities?
    let largest: PixelScores?
    private(set) var isSettled: Bool

    /// How many of the probabilities that were looked at rounding had led beyond [0, 1]; they count as the nearer end
    /// of it.
    package let clampedCount: Int

    /// - Parameters:
    ///   - predicted: The most probable classes; nil, as is `largest`, if only the probabilities of labels were looked
    ///     at.
    ///   - largest: The largest probability of each pixel.
    ///   - isSettled: Whether ``settle(ignoredLabel:)`` was called.
    init(
        shape: ScoringShape, labels: LabelMap, scores: PixelScores, predicted: ClassCodes?, largest: PixelScores?,
        blocks: BlockProbabilities?, isSettled: Bool = false, clampedCount: Int = 0
    ) {
        self.clampedCount = clampedCount
        self.isSettled = isSettled
        self.shape = shape
        self.labels = labels
        self.scores = scores
        self.predicted = predicted
        self.largest = largest
        self.blocks = blocks
    }

    /// Proves that every label of an image is a class or ignored, and scores ignored pixels 1.
    ///
    /// - Parameters:
    ///   - ignoredLabel: A label value whose pixels take no part.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    func settle(image: Int, ignoredLabel: Int64?) throws(ScoringError) {
        // It is not done again, since it writes: pages of a mapped file would become memory of our own.
        guard !isSettled else { return }
        try labels.check(image: image, classCount: shape.classCount, ignoredLabel: ignoredLabel)
        let ignored = labels.code(ofIgnored: ignoredLabel)
        guard ignored >= 0 else { return }
        let plane = shape.pixelsPerImage
        Kernels.ignore(labels.codes, ignored, image * plane..<(image + 1) * plane, in: scores)
    }

    /// What was found of each pixel: the probability of its label, its largest probability, and the class of that one;
    /// nil if only the probabilities of labels were looked at.
    package var reduced: (own: PixelScores, largest: PixelScores, predicted: ClassCodes)? {
        guard let largest, let predicted else { return nil }
        return (scores, largest, predicted)
    }

    /// The same pixels, whose images are counted with others.
    package var withImageAxis: ScoredPixels {
        var copy = self
        copy.shape = shape.withImageAxis
        return copy
    }

    /// The memory that the arrays take.
    package var byteCount: Int {
        scores.byteCount + labels.codes.byteCount + (predicted?.byteCount ?? 0) + (largest?.byteCount ?? 0)
            + (blocks?.byteCount ?? 0)
    }

    /// The type of the scores.
    package var elementType: ElementType { scores.elementType }

    /// Does for all images ahead of time what scoring does for each: proves that every label is a class or ignored, and
    /// scores ignored pixels 1. Nothing else uses the scores yet.
    ///
    /// - Parameters:
    ///   - ignoredLabel: A label value whose pixels take no part.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    package mutating func settle(ignoredLabel: Int64?) throws(ScoringError) {
        for image in 0..<shape.imageCount { try settle(image: image, ignoredLabel: ignoredLabel) }
        isSettled = true
    }

    /// The cells that confident learning looks at: the blocks if there are any, else the pixels.
    ///
    /// - Parameters:
    ///   - ignored: The label of the pixels that take no part.
    func cells(ignored: Int32) -> ConfidenceCells {
        guard let blocks else {
            guard let predicted, let largest else {
                preconditionFailure("confident learning takes all probabilities")
            }
            return ConfidenceCells(
                side: 1, classCount: shape.classCount, imageCount: shape.imageCount, scores: scores,
                labels: labels.codes, predicted: predicted, largest: largest, ignored: ignored)
        }
        return ConfidenceCells(
            side: blocks.side, classCount: shape.classCount, imageCount: shape.imageCount,
            scores: .float64(blocks.scores), labels: blocks.labels, predicted: blocks.predicted,
            largest: .float64(blocks.largest), ignored: -1)
    }
}
