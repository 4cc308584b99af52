import HTTPTypes
import Scoring
import Tensors
import WebService

/// What is wanted of predicted probabilities. The labels and the parameters say it together.
struct ProbabilityDemand {
    let labels: LabelMap
    let parameters: ScoreParameters

    /// What takes `pred_probs` of a layout as they arrive.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func accumulator(for layout: TensorLayout) throws(Problem) -> any ProbabilityAccumulator {
        guard let classCount = parameters.classCount(ofBands: layout) else { return try pixelAccumulator(for: layout) }
        return try make(layout) { () throws(ScoringError) in
            try OwnAccumulator(
                labels: labels, layout: layout, classCount: classCount, ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// What takes all of `pred_probs`, `(N, K, H, W)`.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func pixelAccumulator(for layout: TensorLayout) throws(Problem) -> PixelAccumulator {
        try make(layout) { () throws(ScoringError) in
            try PixelAccumulator(
                labels: labels, layout: layout, downsample: parameters.blockSide,
                ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// What takes of `pred_probs` in a file only the probabilities of labels; nil if more is needed.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func ownProbabilities(in layout: TensorLayout) throws(Problem) -> OwnProbabilities? {
        try make(layout) { () throws(ScoringError) in
            guard parameters.method == .softmin, parameters.reading != .all, OwnProbabilities.canRead(layout.order)
            else { return nil }
            return try OwnProbabilities(labels: labels, layout: layout, ignoredLabel: parameters.ignoredLabel)
        }
    }

    /// Makes something once `pred_probs` are found to have as many classes as the client says, if the client says it.
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
