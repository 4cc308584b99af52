package import Memory

/// Turns scores into issues by a threshold: a pixel or image whose score is below it is an issue.
///
/// Scores are compared as float64, so that a float32 score and the threshold it was printed with are told apart.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/segmentation/rank.py`, `issues_from_scores`.
package struct IssuesFromScores: Equatable, Sendable {
    /// In `[0, 1]`.
    package let threshold: Double

    /// The threshold that cleanlab takes if none is given.
    package static let defaultThreshold = 0.1

    package init(threshold: Double = defaultThreshold) {
        self.threshold = threshold
    }

    /// The mask of the pixels whose score is below the threshold.
    ///
    /// - Parameters:
    ///   - pixels: Indices into the scores.
    /// - Returns: One byte a pixel of `pixels`, 1 at an issue: NumPy's bool.
    /// - Throws: ``ScoringError/memory(_:)``.
    package func mask(_ scores: PixelScores, _ pixels: Range<Int>) throws(ScoringError) -> Buffer<UInt8> {
        let mask: Buffer<UInt8> = try allocate(pixels.count, isZeroed: false)
        Kernels.below(scores, pixels, threshold: threshold, into: mask)
        return mask
    }

    /// How many of the pixels have a score below the threshold.
    ///
    /// - Parameters:
    ///   - pixels: Indices into the scores.
    package func count(_ scores: PixelScores, _ pixels: Range<Int>) -> Int {
        Kernels.countBelow(scores, pixels, threshold: threshold)
    }

    /// The images whose score is below the threshold.
    ///
    /// cleanlab 2.9 returns one index more, even if no image qualifies; these are the images that its documentation
    /// speaks of.
    ///
    /// - Parameters:
    ///   - imageScores: `(N,)`, NaN allowed.
    /// - Returns: The indices of the images, lowest score first, and of equal scores the lower index first.
    package func images(_ imageScores: PixelScores) -> [Int] {
        // They are filtered first, since NaN has no place in an order.
        switch imageScores {
        case .float32(let scores):
            Self.ascending((0..<scores.count).filter { Double(scores.span[$0]) < threshold }, by: scores)
        case .float64(let scores):
            Self.ascending((0..<scores.count).filter { scores.span[$0] < threshold }, by: scores)
        }
    }

    /// Sorts images by scores that are not NaN, and images of equal scores by index.
    static func ascending<Score: Comparable & BitwiseCopyable & Sendable>(
        _ images: some Sequence<Int>, by scores: Buffer<Score>
    ) -> [Int] {
        images.sorted { (scores.span[$0], $0) < (scores.span[$1], $1) }
    }
}
