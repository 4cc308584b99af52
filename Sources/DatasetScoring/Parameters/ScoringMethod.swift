package import Scoring
package import WebService

/// A way to score images. One conformance, beside the engine's type, tells the program all that it has to know of a
/// method.
///
/// ``ScoreParameters/Method`` lists the methods by their names on the wire.
package protocol ScoringMethod: Sendable {
    /// The arrays that this method finds and others do not. All methods have `image_scores`, `pixel_scores` and, with a
    /// threshold, `issues`.
    static var ownArrays: Set<ScoreParameters.Array> { get }

    /// Whether the probabilities of all classes are needed. If not, those that pixels give to their own labels are
    /// enough, and nothing else is read of a file.
    static var needsAllProbabilities: Bool { get }

    /// Whether the scores of an image depend on that image alone. If so, the images of a batch are scored as the batch
    /// arrives; if not, they are scored once all images are there.
    static var scoresEachImageAlone: Bool { get }

    /// Proves that the parameters go together with this method.
    ///
    /// - Throws: A 400 problem for a parameter that belongs to another method.
    static func check(_ parameters: ScoreParameters) throws(Problem)

    /// The side of the blocks that are scored, in pixels; 1 if single pixels are scored.
    static func blockSide(_ parameters: ScoreParameters) -> Int

    /// Creates the method from the parameters that concern it.
    init(_ parameters: ScoreParameters)

    /// Scores the images of one or several bodies, which are numbered from one body on to the next.
    ///
    /// - Parameters:
    ///   - parts: The pixels of each body, at least one. All have as many classes, and scores of one type.
    ///   - loop: The loop over the images.
    ///   - progress: Is called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: The scores of each part; nil if `progress` ended the work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(ScoringError) -> [SegmentationScores]?
}

extension ScoringMethod {
    package static func check(_ parameters: ScoreParameters) throws(Problem) {}

    package static func blockSide(_ parameters: ScoreParameters) -> Int { 1 }
}
