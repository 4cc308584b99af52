/// The score of the n-th lowest cell. Cells below it, and the first of those that equal it, are candidates for label
/// issues.
///
/// It is found without sorting. Scores in `[0, 1]` have the order of their bits, so its bits are found a digit at a
/// time from the highest on, each by counting the scores that share the digits found so far.
package struct Cut: Codable, Equatable, Sendable {
    /// The score, in `[0, 1]`; float64 even if scores are float32.
    package let score: Double

    /// How many scores are lower.
    package let countBelow: Int

    /// How many of the scores that equal it are candidates, at least 1: the first by image, row and column.
    package let ties: Int

    /// How many scores equal it.
    let equalCount: Int
}
