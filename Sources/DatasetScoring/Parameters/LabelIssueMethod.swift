package import Scoring

/// A way to score images that finds label issues by confident learning, whatever it makes of images besides.
package protocol LabelIssueMethod: ScoringMethod {
    /// - Parameters:
    ///   - ignoredLabel: A label value whose pixels take no part; nil for none.
    init(ignoredLabel: Int64?)
}

extension LabelIssueMethod {
    package static var ownArrays: Set<ScoreParameters.Array> { [.labelIssues] }
    package static var needsAllProbabilities: Bool { true }
    // Label issues are found over all images.
    package static var scoresEachImageAlone: Bool { false }

    package static func blockSide(_ parameters: ScoreParameters) -> Int { parameters.downsample }

    package init(_ parameters: ScoreParameters) {
        self.init(ignoredLabel: parameters.labels.ignoredLabel)
    }
}

extension ConfidentLearning: LabelIssueMethod {}

extension Margin: LabelIssueMethod {}
