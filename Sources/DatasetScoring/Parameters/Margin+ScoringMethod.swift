package import Scoring

extension Margin: ScoringMethod {
    package static let ownArrays: Set<ScoreParameters.Array> = [.labelIssues]
    package static let needsAllProbabilities = true
    // Label issues are found over all images.
    package static let scoresEachImageAlone = false

    package static func blockSide(_ parameters: ScoreParameters) -> Int { parameters.downsample }

    package init(_ parameters: ScoreParameters) {
        self.init(ignoredLabel: parameters.labels.ignoredLabel)
    }
}
