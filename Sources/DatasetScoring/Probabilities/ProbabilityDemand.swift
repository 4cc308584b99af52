import HTTPTypes
import Memory
import Scoring
import WebService

/// The demand on predicted probabilities, which follows from the labels and the parameters.
struct ProbabilityDemand {
    let labels: LabelMap
    /// How the axes of labels and predictions are read; nil if the predictions hold only the labelled classes of bands.
    let axes: AxisReading?
    /// K, if the labels were one-hot.
    let labelClassCount: Int?
    let parameters: ScoreParameters

    /// The accumulator for predictions that arrive in order.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func accumulator(for predictions: Predictions) throws(Problem) -> any ProbabilityAccumulator {
        guard axes == nil, let classCount = parameters.classCount else {
            return try pixelAccumulator(for: predictions)
        }
        return try make(predictions) { () throws(ScoringError) in
            try OwnAccumulator(
                labels: labels, layout: predictions.layout, classCount: classCount,
                ignoredLabel: parameters.labels.ignoredLabel)
        }
    }

    /// The accumulator for the values of all classes, `(N, K, H, W)`.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func pixelAccumulator(for predictions: Predictions) throws(Problem) -> PixelAccumulator {
        let predictions = predictions.read(axes, parameters)
        let activation = try predictions.activation(parameters)
        return try make(predictions) { () throws(ScoringError) in
            try PixelAccumulator(
                labels: labels, layout: predictions.layout, activation: activation,
                sampling: parameters.sampling.sampling, downsample: parameters.blockSide,
                ignoredLabel: parameters.labels.ignoredLabel)
        }
    }

    /// The accumulator that reads only the probabilities of labels from predictions in a file; nil if the scores need
    /// more, or if probabilities have to be made of all values first.
    ///
    /// - Throws: A problem with labels, layout and parameters together.
    func ownProbabilities(in predictions: Predictions) throws(Problem) -> OwnProbabilities? {
        let predictions = predictions.read(axes, parameters)
        guard try predictions.activation(parameters) == .identity, parameters.sampling.sampling == .none else {
            return nil
        }
        return try make(predictions) { () throws(ScoringError) in
            let layout = predictions.layout
            guard !parameters.method.type.needsAllProbabilities, parameters.reading != .all,
                OwnProbabilities.canRead(layout.order)
            else { return nil }
            return try OwnProbabilities(labels: labels, layout: layout, ignoredLabel: parameters.labels.ignoredLabel)
        }
    }

    /// Makes an accumulator, after it has proved that the predictions have as many classes as the client says.
    private func make<Result>(
        _ predictions: Predictions, _ result: () throws(ScoringError) -> Result
    ) throws(Problem) -> Result {
        let shape = predictions.shape(parameters, labels: labels.shape.plain)
        if let classCount = parameters.classCount, shape.count == 4, classCount != shape[1] {
            throw Problem(
                .shapeMismatch,
                "\(predictions.array.rawValue) have \(shape[1]) classes, and classes says another number.",
                parameter: "classes", expected: "\(shape[1])", actual: "\(classCount)")
        }
        let count = axes == nil ? parameters.classCount : shape[1]
        if let labelClassCount, let count, labelClassCount != count {
            let labels = labels.shape
            func shape(_ classCount: Int) -> [Int] {
                (labels.hasImageAxis ? [labels.imageCount] : []) + [classCount] + labels.space
            }
            throw predictions.problem(
                .shapeMismatch(.predictedProbabilities, expected: shape(labelClassCount), actual: shape(count)))
        }
        do throws(ScoringError) {
            return try result()
        } catch {
            throw predictions.problem(error)
        }
    }
}
