package import Scoring

extension ConfidentLearning: ScoringMethod {
    package static let ownArrays: Set<ScoreParameters.Array> = [.labelIssues]
    package static let needsAllProbabilities = true
    package static let scoresEachImageAlone = false

    package static func blockSide(_ parameters: ScoreParameters) -> Int { parameters.downsample }

    package init(_ parameters: ScoreParameters) {
        self.init(ignoredLabel: parameters.labels.ignoredLabel)
    }
}
