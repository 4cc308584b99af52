import HTTPTypes
import Memory
import Scoring
import WebService

/// The demand on predicted probabilities, which follows from the labels and the parameters.
struct ProbabilityDemand {
    let labels: LabelMap
    let parameters: ScoreParameters

    /// The accumulator for `pred_probs` of a layout that arrive in order.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func accumulator(for layout: TensorLayout) throws(Problem) -> any ProbabilityAccumulator {
        guard let classCount = parameters.classCount(ofBands: layout) else { return try pixelAccumulator(for: layout) }
        return try make(layout) { () throws(ScoringError) in
            try OwnAccumulator(
                labels: labels, layout: layout, classCount: classCount, ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// The accumulator for all of `pred_probs`, `(N, K, H, W)`.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func pixelAccumulator(for layout: TensorLayout) throws(Problem) -> PixelAccumulator {
        try make(layout) { () throws(ScoringError) in
            try PixelAccumulator(
                labels: labels, layout: layout, downsample: parameters.blockSide,
                ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// The accumulator that reads only the probabilities of labels from `pred_probs` in a file; nil if the scores need
    /// more.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func ownProbabilities(in layout: TensorLayout) throws(Problem) -> OwnProbabilities? {
        try make(layout) { () throws(ScoringError) in
            guard !parameters.method.type.needsAllProbabilities, parameters.reading != .all,
                OwnProbabilities.canRead(layout.order)
            else { return nil }
            return try OwnProbabilities(labels: labels, layout: layout, ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// Makes an accumulator, after it has proved that `pred_probs` have as many classes as the client says.
    private func make<Result>(
        _ layout: TensorLayout, _ result: () throws(ScoringError) -> Result
    ) throws(Problem) -> Result {
        if let classCount = parameters.classCount, layout.shape.count == 4, classCount != layout.shape[1] {
            throw Problem(
                .shapeMismatch, "pred_probs have \(layout.shape[1]) classes, and classes says another number.",
                parameter: "classes", expected: "\(layout.shape[1])", actual: "\(classCount)")
        }
        do throws(ScoringError) {
            return try result()
        } catch {
            throw Problem(error)
        }
    }
}
