import Memory
import Scoring
import WebService

/// How the axes of labels and of predictions are read together.
struct AxesOfArrays {
    /// Nil if the predictions hold only the labelled classes of bands.
    let axes: AxisReading?
    let labels: LabelReading

    /// Reads the axes of both arrays.
    ///
    /// - Parameters:
    ///   - labels: The shape in which labels come.
    ///   - areImages: Whether labels come as single images, and so are classes.
    ///   - predictions: The array of predictions as it comes.
    /// - Throws: An error of the two shapes, if they do not go together.
    init(
        labels: [Int], areImages: Bool, _ predictions: Predictions, _ parameters: ScoreParameters
    ) throws(ScoringError) {
        if predictions.classCountOfBands(parameters, labels: labels) != nil {
            axes = nil
            guard labels.count == 4 else {
                self.labels = LabelReading(shape: LabelShape(labels))
                return
            }
            var dimensions = labels
            let classCount = dimensions.remove(at: 1)
            self.labels = LabelReading(shape: LabelShape(dimensions), classCount: classCount)
            return
        }
        let shape = predictions.layout.shape
        // A single image as a file of its own has no axis of images, unless the predictions have one.
        let spareAxis = predictions.array.isReduced ? labels.count - 1 : labels.count
        let labels = areImages && labels[0] == 1 && shape.count == spareAxis ? Array(labels[1...]) : labels
        guard !predictions.array.isReduced else {
            let axes = try AxisReading(labels: labels, reduced: shape)
            self.axes = axes
            self.labels = axes.labels(labels)
            return
        }
        let axes = try AxisReading(
            labels: labels, predictions: try Self.sampledShape(of: predictions, labels: labels, parameters))
        let reading = axes.labels(labels)
        // A rule may make another number of classes of those that one-hot labels have.
        let classCount = predictions.read(axes, parameters).shape(parameters, labels: nil)[1]
        guard !axes.areOneHot || parameters.labels.rule != nil || reading.classCount == classCount else {
            throw .oneHotMismatch(.predictedProbabilities, labels: labels, shape: shape)
        }
        self.axes = axes
        self.labels = reading
    }

    /// The shape of the scoring.
    ///
    /// - Returns: Nil if nothing tells how many classes there are.
    /// - Throws: An error of the shape of predictions.
    func shape(_ predictions: Predictions, _ parameters: ScoreParameters) throws(ScoringError) -> ScoringShape? {
        if let axes, !predictions.array.isReduced {
            let probabilities = predictions.read(axes, parameters).shape(parameters, labels: labels.shape.plain)
            return try ScoringShape(labels: labels.shape, predictedProbabilities: probabilities)
        }
        // A rule may make another number of classes of those that one-hot labels have.
        let ofLabels = parameters.labels.rule == nil ? labels.classCount : nil
        guard let classCount = parameters.classCount ?? ofLabels else { return nil }
        return try ScoringShape(labels: labels.shape, classCount: classCount)
    }

    /// The shape of predictions after they have been brought to the pixels of the labels, which are those of images of two
    /// dimensions; that in which the array came, if nothing of that sort is asked for.
    ///
    /// - Throws: An error of the shapes, if their ranks do not go together.
    private static func sampledShape(
        of predictions: Predictions, labels: [Int], _ parameters: ScoreParameters
    ) throws(ScoringError) -> [Int] {
        let (sampling, shape) = (parameters.sampling.sampling, predictions.layout.shape)
        guard sampling != .none else { return shape }
        let isSingle = shape.count == 3
        var (counted, pixels) = ((isSingle ? [1] : []) + shape, (isSingle ? [1] : []) + labels)
        if pixels.count == 4 { pixels.remove(at: 1) }
        guard counted.count == 4, pixels.count == 3 else {
            throw .ranks(.predictedProbabilities, labels: labels, shape: shape)
        }
        counted = sampling.sampledShape(counted, labels: pixels)
        guard counted[0] == pixels[0] else {
            throw .shapeMismatch(
                .predictedProbabilities, expected: Array(([pixels[0]] + counted[1...])[(isSingle ? 1 : 0)...]),
                actual: shape)
        }
        return isSingle ? Array(counted[1...]) : counted
    }
}
