import HTTPTypes
package import Scoring
package import WebService

extension DatasetScores {
    /// One of the arrays that an answer can hold.
    ///
    /// - Parameters:
    ///   - threshold: The score below which a pixel is an issue.
    ///   - image: An image's index; nil for all images, which then are of one size if the array has a value for each
    ///     pixel.
    /// - Throws: 400 if there is no such image; 404 if the method does not look for label issues; 503 if memory is
    ///   short.
    package func elements(
        _ array: ScoreParameters.Array, threshold: Double, image: Int? = nil, classIndex: Int? = nil
    ) throws(Problem) -> ArrayAnswer {
        switch array {
        case .imageScores: .imageScores(of: self)
        case .pixelScores: try .pixelScores(of: self, image: image)
        case .issues: try .issues(of: self, threshold: threshold, image: image, classIndex: classIndex)
        case .labelIssues: try .labelIssues(of: self, image: image, classIndex: classIndex)
        }
    }

    /// - Throws: 404 if the method does not look for label issues.
    package func requireStatistics() throws(Problem) -> LabelIssues.Statistics {
        guard let statistics else {
            throw Problem(
                .noLabelIssues, "The method softmin finds no label issues.",
                expected: "a job of the method num_pixel_issues", actual: "softmin")
        }
        return statistics
    }

    /// - Throws: 404 if only the probabilities of labels were read.
    package func requirePredicted() throws(Problem) {
        guard hasPredicted else {
            throw Problem(
                .noPredictedClasses,
                "Of pred_probs only the labelled classes were read, so that the most probable ones are not known.",
                expected: "a job with read=all, or of the method num_pixel_issues", actual: "read=labelled")
        }
    }
}
