package import Memory
package import Scoring
import WebService

/// The array of a request that tells of predicted probabilities: what it is called and how it is laid out, from which
/// with the parameters follows what its values are.
package struct Predictions: Equatable, Sendable {
    /// The names that the array can have; a request has one of them.
    package static let arrays: [ScoringError.Array] = [.predictedProbabilities, .logits]

    /// One of ``arrays``.
    package let array: ScoringError.Array

    package let layout: TensorLayout

    /// What turns the values into probabilities.
    ///
    /// Logits of several classes go through a softmax, those of one channel through a sigmoid, if the client names no
    /// activation. One channel of probabilities tells of two classes if the client says so.
    ///
    /// - Throws: A 400 problem if the parameters do not go together with the number of channels.
    func activation(_ parameters: ScoreParameters) throws(Problem) -> Activation {
        let hasOneChannel = layout.shape.count == 4 && layout.shape[1] == 1
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
    func classCountOfBands(_ parameters: ScoreParameters) -> Int? {
        guard array == .predictedProbabilities, parameters.activation == nil, parameters.normalization == nil,
            !parameters.method.type.needsAllProbabilities, layout.shape.count == 3
        else { return nil }
        return parameters.classCount
    }

    /// The shape `(N, K, H, W)` of the probabilities, if the array has the rank that it should have.
    func shape(_ parameters: ScoreParameters) -> [Int] {
        // A parameter that is not allowed is reported where the activation is needed.
        (try? activation(parameters))?.probabilitiesShape(layout.shape) ?? layout.shape
    }

    /// The problem of an error, which names the array as the client does.
    func problem(_ error: ScoringError) -> Problem { Problem(error.naming(array)) }
}
