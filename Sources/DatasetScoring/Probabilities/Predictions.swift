package import Memory
package import Scoring
import WebService

/// The array of a request that tells of predicted probabilities: what it is called and how it is laid out, from which
/// with the parameters follows what its values are.
package struct Predictions: Equatable, Sendable {
    /// The names that the array can have. A request has one of them, or those of ``reducedArrays``.
    package static let arrays: [ScoringError.Array] = [.predictedProbabilities, .logits] + reducedArrays

    /// The arrays that tell together what one pass over the probabilities finds. The first of them is enough for some
    /// scores, and tells the type of all.
    package static let reducedArrays: [ScoringError.Array] = [.own, .largest, .predicted]

    /// One of ``arrays``; `own` for arrays that were reduced.
    package let array: ScoringError.Array

    /// The layout in which the array came, or the one in which it is read.
    package let layout: TensorLayout

    /// The same array, read as `(N, K, H, W)`, or as the parameters say that its axes are.
    ///
    /// - Parameters:
    ///   - axes: How the axes are read; nil if the array holds only the labelled classes of bands.
    func read(_ axes: AxisReading?, _ parameters: ScoreParameters) -> Predictions {
        guard let axes else { return self }
        let isPlain = parameters.sampling.sampling == .none
        return Predictions(array: array, layout: isPlain ? axes.plain(layout) : axes.withImageAxis(layout))
    }

    /// What turns the values into probabilities.
    ///
    /// Logits of several classes go through a softmax, those of one channel through a sigmoid, if the client names no
    /// activation. One channel of probabilities tells of two classes if the client says so.
    ///
    /// It is asked of predictions that are read as `(N, K, H, W)`.
    ///
    /// - Throws: A 400 problem if the parameters do not go together with the number of channels.
    func activation(_ parameters: ScoreParameters) throws(Problem) -> Activation {
        let channels = parameters.sampling.sampling.sampledShape(layout.shape, labels: nil)
        let hasOneChannel = channels.count == 4 && channels[1] == 1
        let implied: Activation.Function =
            switch array {
            case .logits: hasOneChannel ? .sigmoid : .softmax
            default: .identity
            }
        let function = parameters.activation?.function ?? implied
        guard !hasOneChannel || function != .softmax else {
            throw Problem(
                .invalidParameter, "The softmax of one channel is 1 everywhere.", parameter: "activation",
                expected: "sigmoid for one channel, or the logits of all classes", actual: "softmax")
        }
        let isOfTwoClasses = hasOneChannel && (function == .sigmoid || parameters.classCount == 2)
        return Activation(
            function, dividesBySum: parameters.normalization == .sum, isOfTwoClasses: isOfTwoClasses)
    }

    /// K if the array holds only the labelled classes of bands of rows, `(M, R, W)`; nil for any other array.
    ///
    /// - Parameters:
    ///   - labels: The shape of labels; nil if it is not known. Bands are of labels `(N, H, W)`, or one-hot
    ///     `(N, K, H, W)`. What comes with labels of two dimensions is one image, `(K, H, W)`.
    func classCountOfBands(_ parameters: ScoreParameters, labels: [Int]?) -> Int? {
        guard labels.map({ (3...4).contains($0.count) }) ?? true else { return nil }
        guard array == .predictedProbabilities, parameters.activation == nil, parameters.normalization == nil,
            parameters.sampling.sampling == .none,
            !parameters.method.type.needsAllProbabilities, layout.shape.count == 3
        else { return nil }
        return parameters.classCount
    }

    /// The shape `(N, K, H, W)` of the probabilities, if the array is read so.
    ///
    /// - Parameters:
    ///   - labels: The shape of the labels, `(N, H, W)`; nil if it is not known yet.
    func shape(_ parameters: ScoreParameters, labels: [Int]?) -> [Int] {
        let sampled = parameters.sampling.sampling.sampledShape(layout.shape, labels: labels)
        // A parameter that is not allowed is reported where the activation is needed.
        return (try? activation(parameters))?.probabilitiesShape(sampled) ?? sampled
    }

    /// The problem of an error, which names the array as the client does.
    func problem(_ error: ScoringError) -> Problem { Problem(error.naming(array)) }
}

extension ScoringError.Array {
    /// Whether the array is one of ``Predictions/reducedArrays``.
    var isReduced: Bool { Predictions.reducedArrays.contains(self) }
}
