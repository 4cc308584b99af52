package import Scoring
package import WebService

extension ScoreParameters {
    package var softmin: Softmin { Softmin(temperature: temperature, ignoredLabel: ignoredLabel) }

    package var confidentLearning: ConfidentLearning { ConfidentLearning(ignoredLabel: ignoredLabel) }

    /// Scores the images by the method that was asked for.
    ///
    /// - Parameters:
    ///   - pixels: The pixels of all images. If they are blocks, these were made with the same parameters.
    ///   - loop: The loop over the images.
    ///   - progress: Is called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: Nil if `progress` ended the work.
    /// - Throws: A 422 problem for labels that are no classes; 503 if memory is short.
    package func score(
        _ pixels: consuming ScoredPixels, on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> DatasetScores? {
        do throws(ScoringError) {
            switch method {
            case .softmin:
                return try softmin.score(consume pixels, on: loop, progress: progress).map { DatasetScores([$0]) }
            case .numPixelIssues:
                return try confidentLearning.score([consume pixels], on: loop, progress: progress).map(
                    DatasetScores.init)
            }
        } catch {
            throw Problem(error)
        }
    }
}
