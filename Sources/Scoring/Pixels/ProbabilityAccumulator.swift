/// Takes `pred_probs` as they arrive.
package protocol ProbabilityAccumulator: ArrayAccumulator {
    /// How many images have arrived in whole.
    var imagesDone: Int { get }

    /// Hands over the pixels after all bytes have come. Workers call it, since it may take long.
    ///
    /// - Throws: ``ScoringError/shapeMismatch(_:expected:actual:)`` if the array is too short or too long and that
    ///   could not be found before.
    func finish() throws(ScoringError) -> ScoredPixels
}
