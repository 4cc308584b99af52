import DatasetScoring
import JobStorage
import Scoring
import WebService

extension ScoreParameters {
    /// Scores the images of several bodies, which count on from one to the next.
    ///
    /// - Parameters:
    ///   - parts: At least one, none of them in files.
    ///   - loop, progress: As ``score(_:on:progress:)-(ScoredPixels,_,_)``.
    /// - Returns: Nil where `progress` ended the work.
    /// - Throws: 422 for labels that are no classes; 503 where memory is short.
    func score(
        _ parts: [JobPart], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(Problem) -> DatasetScores? {
        var (scored, waiting, done) = ([SegmentationScores](), [ScoredPixels](), 0)
        do throws(ScoringError) {
            for part in parts {
                switch (part, method) {
                case (.stored, _): preconditionFailure("what is in files was read")
                case (.scored(let scores), _): scored.append(scores)
                case (.waiting(let pixels), .numPixelIssues): waiting.append(pixels)
                case (.waiting(let pixels), .softmin):
                    let before = done
                    guard let scores = try softmin.score(pixels, on: loop, progress: { progress(before + $0) })
                    else { return nil }
                    scored.append(scores)
                }
                done += part.shape.imageCount
            }
            guard !waiting.isEmpty else { return DatasetScores(scored) }
            return try confidentLearning.score(consume waiting, on: loop, progress: progress).map(DatasetScores.init)
        } catch {
            throw Problem(error)
        }
    }
}
