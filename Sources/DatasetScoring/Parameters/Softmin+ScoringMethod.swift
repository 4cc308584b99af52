package import Scoring
package import WebService

extension Softmin: ScoringMethod {
    package static let ownArrays: Set<ScoreParameters.Array> = []
    package static let needsAllProbabilities = false
    package static let scoresEachImageAlone = true

    package static func check(_ parameters: ScoreParameters) throws(Problem) {
        guard parameters.downsample != 1 else { return }
        throw Problem(
            .invalidParameter, "downsample is for the methods num_pixel_issues and margin; softmin takes none.",
            parameter: "downsample", expected: "1, or method=num_pixel_issues or margin",
            actual: String(parameters.downsample))
    }

    package init(_ parameters: ScoreParameters) {
        self.init(temperature: parameters.temperature, ignoredLabel: parameters.labels.ignoredLabel)
    }

    package func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop, progress: @escaping @Sendable (Int) -> Bool
    ) throws(ScoringError) -> [SegmentationScores]? {
        var scored: [SegmentationScores] = []
        var doneCount = 0
        for part in parts {
            let before = doneCount
            guard let scores = try score(part, on: loop, progress: { progress(before + $0) }) else { return nil }
            scored.append(scores)
            doneCount += scores.shape.imageCount
        }
        return scored
    }
}
