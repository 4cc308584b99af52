/// What one pass over the probabilities leaves: each pixel's label and the probability of it.
package struct ScoredPixels: Sendable {
    package let shape: ScoringShape
    let labels: LabelMap
    let scores: PixelScores
}
