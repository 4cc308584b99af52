import HTTPTypes
package import Scoring
package import WebService

extension DatasetScores {
    /// One of the arrays that an answer can hold.
    ///
    /// - Parameters:
    ///   - threshold: The score below which a pixel is an issue.
    ///   - image: The index of an image; nil for all images, which then have to be of one size if the array has a value
    ///     for each pixel.
    ///   - classIndex: The class whose issues are wanted; nil for the issues of all classes.
    /// - Throws: A 400 problem if there is no such image or class; 404 if the method does not look for label issues, or
    ///   if a class is named and the predicted classes are not known; 503 if memory is short.
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

    /// The statistics of confident learning.
    ///
    /// - Throws: A 404 problem if the method does not look for label issues.
    package func requireStatistics() throws(Problem) -> LabelIssues.Statistics {
        guard let statistics else {
            throw Problem(
                .noLabelIssues, "The method softmin finds no label issues.",
                expected: "a job of the method num_pixel_issues or margin", actual: "softmin")
        }
        return statistics
    }

    /// Proves that there are regions.
    ///
    /// - Throws: A 404 problem if the most probable classes are not known, or only how probable they are, or for images
    ///   that are too large.
    package func requireRegions() throws(Problem) {
        if let large = parts.first(where: { !$0.shape.labels.canHaveRegions }) {
            throw Problem(
                .tooManyPixels, "Regions are found in smaller images.",
                expected: "at most \(LabelShape.pixelsWithRegions) pixels an image",
                actual: "\(large.shape.pixelsPerImage)"
            ).with(status: .notFound)
        }
        try requirePredicted()
        guard hasRegions else {
            throw Problem(
                .noLargestProbabilities,
                "The largest probabilities are not known: own came with predicted and without largest, or an earlier "
                    + "version has scored the job and did not keep them.",
                expected: "a job with pred_probs, logits, or own, largest and predicted, which may be scored again",
                actual: "the most probable classes alone")
        }
    }

    /// Proves that the most probable class of each pixel is known.
    ///
    /// - Throws: A 404 problem if only the probabilities of labels were read.
    package func requirePredicted() throws(Problem) {
        guard hasPredicted else {
            throw Problem(
                .noPredictedClasses,
                "Of pred_probs only the labelled classes were read, or own came without predicted, so that the most "
                    + "probable ones are not known.",
                expected: "a job with read=all or with predicted, or of the method num_pixel_issues or margin",
                actual: "the probabilities of labels alone")
        }
    }
}
