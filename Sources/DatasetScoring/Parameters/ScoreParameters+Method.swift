import Scoring

extension ScoreParameters {
    /// The method by which images are scored. The raw values are the wire's.
    package enum Method: String, CaseIterable {
        case softmin
        case numPixelIssues = "num_pixel_issues"
        case margin

        /// The engine's type that scores by this method.
        package var type: any ScoringMethod.Type {
            switch self {
            case .softmin: Softmin.self
            case .numPixelIssues: ConfidentLearning.self
            case .margin: Margin.self
            }
        }

        /// Whether the method finds an array. Every method finds scores, and the issues that a threshold makes of them.
        func finds(_ array: Array) -> Bool {
            switch array {
            case .imageScores, .pixelScores, .issues: true
            case .labelIssues: type.ownArrays.contains(array)
            }
        }
    }
}
