import Memory
import Scoring
import WebService

/// `pred_probs` that are scored as they arrive, because their labels and all parameters came before them.
final class StreamedProbabilities: ProbabilitySource {
    private let predictions: Predictions
    private let probabilities: any ProbabilityAccumulator

    var accumulator: (any ArrayAccumulator)? { probabilities }
    var imagesDone: Int { probabilities.imagesDone }

    /// - Throws: A problem with labels, layout and parameters together.
    init(_ predictions: Predictions, for demand: ProbabilityDemand) throws(Problem) {
        self.predictions = predictions
        probabilities = try demand.accumulator(for: predictions)
    }

    /// Whether predictions can be scored in the order in which they arrive.
    ///
    /// - Throws: A 400 problem if the parameters do not go together with the number of channels.
    static func canTake(_ predictions: Predictions, _ parameters: ScoreParameters) throws(Problem) -> Bool {
        FilePieces.areInFileOrder(
            predictions.layout.order, downsample: parameters.blockSide, try predictions.activation(parameters))
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        do throws(ScoringError) {
            return try probabilities.finish()
        } catch {
            throw predictions.problem(error)
        }
    }
}
