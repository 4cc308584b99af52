package import Tensors

/// The scores of a set of images.
package struct SegmentationScores: Sendable {
    package let shape: ScoringShape

    /// `(N,)`, in `[0, 1]`; lower is more likely mislabelled.
    package let imageScores: Buffer<Double>

    /// `(N, H, W)`, the probability of each pixel's own label, 1 at ignored pixels.
    package let pixelScores: PixelScores

    /// The memory that the arrays take.
    package var byteCount: Int {
        imageScores.byteCount + pixelScores.count * pixelScores.elementType.scalar.byteCount
    }

    /// The images, worst first; equal scores by index.
    package func ranking() -> [Int] {
        IssuesFromScores.ascending(0..<imageScores.count, by: imageScores)
    }
}
