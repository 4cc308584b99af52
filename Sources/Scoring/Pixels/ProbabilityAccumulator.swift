/// Takes `pred_probs` as they arrive.
package protocol ProbabilityAccumulator: AnyObject {
    /// How many images are in whole.
    var imagesDone: Int { get }

    /// Takes the next bytes; all calls together bring the whole array.
    ///
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``.
    func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError)

    /// All bytes have come. For workers.
    ///
    /// - Throws: ``ScoringError/shapeMismatch(_:expected:actual:)`` where that could not be found before.
    func finish() throws(ScoringError) -> ScoredPixels
}
