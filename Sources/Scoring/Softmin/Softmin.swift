import Memory

/// Scores images by the softmin of their pixel scores.
///
///     image = Σ wᵢ·sᵢ / Σ wᵢ,   wᵢ = exp((min s − sᵢ) / T)
///
/// which is the inner product of the scores with softmax((1 − s) / T), whose exponents are shifted by their maximum.
/// Sums are float64. Pixels of the ignored label take no part; an image that has no other pixels scores 1.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/segmentation/rank.py`, `cleanlab/internal/multilabel_scorer.py`.
package struct Softmin: Equatable, Sendable {
    /// T, in units of score. Small T tends to the minimum, large T to the mean.
    package let temperature: Double

    /// A label value whose pixels take no part.
    package let ignoredLabel: Int64?

    /// - Parameters:
    ///   - temperature: Finite and above 0.
    package init(temperature: Double, ignoredLabel: Int64? = nil) {
        precondition(temperature.isFinite && temperature > 0)
        self.temperature = temperature
        self.ignoredLabel = ignoredLabel
    }

    /// Checks the labels and scores every image.
    ///
    /// - Parameters:
    ///   - pixels: The pixels, which are consumed: their scores become the result's, 1 at ignored pixels.
    ///   - loop: The loop that goes over the images.
    ///   - progress: Called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: The scores, or nil if `progress` ended the work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time, O(N) memory beside the scores.
    package func score(
        _ pixels: consuming ScoredPixels, on loop: ImageLoop = .serial,
        progress: @Sendable (Int) -> Bool = { _ in true }
    ) throws(ScoringError) -> SegmentationScores? {
        let pixels = pixels
        let shape = pixels.shape
        let plane = shape.pixelsPerImage
        let ignored = pixels.labels.code(ofIgnored: ignoredLabel)
        let imageScores: Buffer<Double> = try allocate(shape.imageCount)
        let isComplete = try loop.run(shape.imageCount, pixelsPerImage: plane, progress: progress) {
            (image, _) throws(ScoringError) in
            try pixels.settle(image: image, ignoredLabel: ignoredLabel)
            let score = Kernels.softmin(
                pixels.scores, pixels.labels.codes, image * plane..<(image + 1) * plane, ignored: ignored,
                temperature: temperature)
            imageScores.withMutableSpan { $0[image] = score.isNaN ? 1 : score }
        }
        guard isComplete else { return nil }
        return SegmentationScores(
            shape: shape, imageScores: imageScores, pixelScores: pixels.scores, labels: pixels.labels,
            predicted: pixels.predicted, largest: pixels.largest, labelIssues: nil)
    }
}
