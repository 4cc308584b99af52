import Memory

/// Scores images by how far the model is from their labels where it contradicts them.
///
/// A pixel's margin is how much the logit of the most probable class is above that of its label, ln(largest / own):
///
///     image = 1 / (1 + Σ m / n),   m = ln(max(largest, ε) / max(own, ε))²,   ε = 10⁻³
///
/// The sum is over the pixels that disagree and are not tolerated (``ToleratedRows``), n is the number of pixels that
/// take part; an image that has none scores 1. Sums are float64. Margins are squared, so that a class that is missing
/// altogether counts more than many pixels on which the model hesitates, and probabilities are at least ε, so that no
/// pixel counts more than 48 of its kind.
///
/// An image's score depends on that image alone. Its label issues are those of ``ConfidentLearning``.
package struct Margin: Equatable, Sendable {
    /// ε: below it, how improbable a class is says more of the model than of the label.
    static let floor = 1e-3

    package let labelIssues: ConfidentLearning

    /// - Parameters:
    ///   - ignoredLabel: A label value whose pixels take no part.
    package init(ignoredLabel: Int64? = nil) {
        labelIssues = ConfidentLearning(ignoredLabel: ignoredLabel)
    }

    /// Does what ``ConfidentLearning/score(_:on:progress:)`` does, with other scores of images.
    ///
    /// - Returns: Each part's scores with their ``SegmentationScores/labelIssues``, or nil if `progress` ended the
    ///   work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time, O(W) memory beside that of label issues.
    package func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop = .serial,
        progress: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) throws(ScoringError) -> [SegmentationScores]? {
        guard let found = try labelIssues.score(parts, on: loop, progress: { _ in progress(0) }) else { return nil }
        var scored: [SegmentationScores] = []
        var doneCount = 0
        for part in found {
            let before = doneCount
            let imageScores: Buffer<Double> = try allocate(part.shape.imageCount)
            let isComplete = try loop.run(
                part.shape.imageCount, pixelsPerImage: part.shape.pixelsPerImage, progress: { progress(before + $0) }
            ) { (image, _) throws(ScoringError) in
                let score = try score(image, of: part)
                imageScores.withMutableSpan { $0[image] = score }
            }
            guard isComplete else { return nil }
            scored.append(part.scored(by: imageScores))
            doneCount += part.shape.imageCount
        }
        return scored
    }

    /// Scores one image.
    ///
    /// - Parameters:
    ///   - image: The index of the image in the part.
    /// - Throws: ``ScoringError/memory(_:)``.
    func score(_ image: Int, of part: SegmentationScores) throws(ScoringError) -> Double {
        guard let predicted = part.predicted, let largest = part.largest else {
            preconditionFailure("confident learning has needed them")
        }
        let (shape, labels) = (part.shape.labels, part.labels)
        let ignored = labels.code(ofIgnored: labelIssues.ignoredLabel)
        let count = labels.countKept(image: image, ignored: ignored)
        guard count > 0 else { return 1 }
        var rows = try ToleratedRows(shape, labels: labels.codes, predicted: predicted, ignored: ignored)
        var sum = 0.0
        for row in 0..<shape.height {
            let first = (image * shape.height + row) * shape.width
            guard rows.mark(row % shape.sliceHeight, from: first) else { continue }
            sum += Kernels.sumMargins(
                part.pixelScores, largest: largest, first..<first + shape.width, marks: rows.marks, floor: Self.floor)
        }
        return 1 / (1 + sum / Double(count))
    }
}
