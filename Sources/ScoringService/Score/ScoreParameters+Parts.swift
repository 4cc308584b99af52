import DatasetScoring
import JobStorage
import Scoring
import WebService

extension ScoreParameters {
    /// What is kept of the pixels of one body: their scores, if the score of an image depends on no other, or else the
    /// pixels, of which the labels have been proved to be classes. One image without an axis of images is counted with
    /// those of other bodies.
    ///
    /// - Throws: A 422 problem for labels that are no classes; 503 if memory is short.
    func images(of pixels: consuming ScoredPixels, on loop: ImageLoop) throws(Problem) -> JobPart.Images {
        guard method.type.scoresEachImageAlone else {
            try settle(&pixels)
            return .waiting(pixels.withImageAxis)
        }
        guard let scores = try score([consume pixels], on: loop, progress: { _ in true })?.first else {
            preconditionFailure("nothing ends the work early, and one part has scores")
        }
        return .scored(scores.withImageAxis)
    }

    /// Scores the images of several bodies, which are numbered from one body on to the next.
    ///
    /// - Parameters:
    ///   - parts: The images of each body; at least one part, and none that is still in files. They are consumed, so
    ///     that memory that is no longer needed is free while the rest is scored.
    ///   - loop: The loop over the images.
    ///   - progress: Is called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: Nil if `progress` ended the work.
    /// - Throws: A 422 problem for labels that are no classes; 503 if memory is short.
    func score(
        _ parts: consuming [JobPart], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> DatasetScores? {
        var (scores, waiting, indices, doneCount) = ([SegmentationScores?](), [ScoredPixels](), [Int](), 0)
        for part in consume parts {
            switch part.images {
            case .stored: preconditionFailure("what is in files was read")
            case .scored(let scored):
                scores.append(scored)
                doneCount += part.shape.imageCount
            case .waiting(let pixels):
                indices.append(scores.count)
                waiting.append(pixels)
                scores.append(nil)
            }
        }
        if !waiting.isEmpty {
            let before = doneCount
            guard let scored = try score(consume waiting, on: loop, progress: { progress(before + $0) })
            else { return nil }
            for (index, scored) in zip(indices, scored) { scores[index] = scored }
        }
        return DatasetScores(scores.compactMap(\.self))
    }
}
