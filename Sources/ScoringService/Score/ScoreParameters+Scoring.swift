import Scoring
import WebService

extension ScoreParameters {
    var softmin: Softmin { Softmin(temperature: temperature, ignoredLabel: ignoredLabel) }

    var confidentLearning: ConfidentLearning { ConfidentLearning(ignoredLabel: ignoredLabel) }

    /// Scores the images by the method that was asked for.
    ///
    /// - Parameters:
    ///   - pixels: Consumed; of one part or several. Their blocks, if any, were made with these parameters.
    ///   - loop: What goes over the images.
    ///   - progress: Called with the number of images done, as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: Nil where `progress` ended the work.
    /// - Throws: 422 for labels that are no classes; 503 where memory is short.
    func score(
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
