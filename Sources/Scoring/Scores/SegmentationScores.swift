package import Memory

/// The scores of images of one size.
package struct SegmentationScores: Sendable {
    package private(set) var shape: ScoringShape

    /// `(N,)`, in `[0, 1]`; lower is more likely mislabelled.
    package private(set) var imageScores: Buffer<Double>

    /// `(N, H, W)`, the probability of each pixel's own label, 1 at ignored pixels.
    package let pixelScores: PixelScores

    let labels: LabelMap

    /// `(N, H, W)`, the most probable class of each pixel, the first of equals; nil if only the probabilities of labels
    /// were looked at.
    package let predicted: ClassCodes?

    /// `(N, H, W)`, the probability of that class; nil if it is not known, as in files of versions that did not keep it.
    let largest: PixelScores?

    /// `(N, H, W)`, the label of each pixel. A pixel that takes no part has the label that is ignored, or the greatest
    /// number of the type if that does not fit.
    package var given: ClassCodes { labels.codes }

    /// The label issues that confident learning has found; nil if it was not asked for them.
    package let labelIssues: LabelIssues?

    /// The same scores, whose images are counted with others.
    package var withImageAxis: SegmentationScores {
        var copy = self
        copy.shape = shape.withImageAxis
        return copy
    }

    /// The same scores of pixels, with other scores of images.
    ///
    /// - Parameters:
    ///   - imageScores: `(N,)`.
    func scored(by imageScores: Buffer<Double>) -> SegmentationScores {
        precondition(imageScores.count == self.imageScores.count)
        var copy = self
        copy.imageScores = imageScores
        return copy
    }

    /// The memory that the arrays take.
    package var byteCount: Int {
        imageScores.byteCount + pixelScores.byteCount + labels.codes.byteCount + (predicted?.byteCount ?? 0)
            + (largest?.byteCount ?? 0) + (labelIssues.map { $0.mask.byteCount + $0.counts.byteCount } ?? 0)
    }
}
