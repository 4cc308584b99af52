package import Scoring
package import WebService

extension ScoreParameters {
    /// The method that was asked for, with its parameters.
    package var scorer: any ScoringMethod { method.type.init(self) }

    /// Scores all images, which came in one body, by the method that was asked for.
    ///
    /// - SeeAlso: ``score(_:on:progress:)-([ScoredPixels],_,_)``
    package func score(
        _ pixels: consuming ScoredPixels, on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> DatasetScores? {
        try score([consume pixels], on: loop, progress: progress).map(DatasetScores.init)
    }

    /// Scores the images by the method that was asked for.
    ///
    /// - Parameters:
    ///   - parts: The pixels of several bodies, whose blocks, if any, were made with these parameters.
    ///   - loop: What goes over the images.
    ///   - progress: Called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: The scores of each part, or nil if `progress` ended the work.
    /// - Throws: 422 for labels that are no classes; 503 if memory is short.
    package func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> [SegmentationScores]? {
        do throws(ScoringError) {
            return try scorer.score(consume parts, on: loop, progress: progress)
        } catch {
            throw Problem(error)
        }
    }
}
