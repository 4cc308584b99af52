package import Scoring

extension RegionKind {
    /// Of which pixels the regions of scores are if nobody says: of their label issues, or else of their issues if they
    /// have a threshold, or else of all that the model would label otherwise.
    ///
    /// - Parameters:
    ///   - scores: Scores that have regions.
    ///   - threshold: The score below which a pixel is an issue, if it was asked for.
    package init(of scores: DatasetScores, threshold: Double?) {
        if scores.statistics != nil {
            self = .labelIssues
        } else {
            self = threshold.map { .issues(threshold: $0) } ?? .disagreements
        }
    }
}
