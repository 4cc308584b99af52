/// Takes `pred_probs` as they arrive.
package protocol ProbabilityAccumulator: ArrayAccumulator {
    /// How many images have arrived in whole.
    var imagesDone: Int { get }

    /// Hands over the pixels once all bytes have come. It may take long, so that workers call it.
    ///
    /// - Throws: ``ScoringError/shapeMismatch(_:expected:actual:)`` if the array is too short or too long and that could
    ///   not be found before.
    func finish() throws(ScoringError) -> ScoredPixels
}
