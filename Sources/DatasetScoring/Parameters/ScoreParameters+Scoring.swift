package import Scoring
package import WebService

extension ScoreParameters {
    /// Proves that the labels of pixels are classes, and scores those that are ignored 1.
    ///
    /// - Throws: A 422 problem for labels that are no classes; 400 if classes have names, and not one for each.
    package func settle(_ pixels: inout ScoredPixels) throws(Problem) {
        try names.check(classCount: pixels.shape.classCount)
        do throws(ScoringError) {
            try pixels.settle(ignoredLabel: labels.ignoredLabel)
        } catch {
            throw Problem(error)
        }
    }

    /// Scores the images of several bodies by the method that the client asks for.
    ///
    /// - Parameters:
    ///   - parts: The pixels of each body. If they are blocks, these were made with the same parameters.
    ///   - loop: The loop over the images.
    ///   - progress: Is called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: The scores of each part; nil if `progress` ended the work.
    /// - Throws: A 422 problem for labels that are no classes; 400 if classes have names, and not one for each; 503 if
    ///   memory is short.
    package func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> [SegmentationScores]? {
        for index in parts.indices { try names.check(classCount: parts[index].shape.classCount) }
        do throws(ScoringError) {
            return try method.type.init(self).score(consume parts, on: loop, progress: progress)
        } catch {
            throw Problem(error)
        }
    }
}
