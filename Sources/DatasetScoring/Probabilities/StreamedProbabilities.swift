import Scoring
import Tensors
import WebService

/// `pred_probs` that are scored as they arrive: their labels have come before them, and so have all parameters.
final class StreamedProbabilities: ProbabilitySource {
    private let probabilities: any ProbabilityAccumulator

    var accumulator: (any ArrayAccumulator)? { probabilities }
    var imagesDone: Int { probabilities.imagesDone }

    /// - Throws: What is wrong with labels, layout and parameters together.
    init(_ layout: TensorLayout, for demand: ProbabilityDemand) throws(Problem) {
        probabilities = try demand.accumulator(for: layout)
    }

    /// Whether probabilities can be scored in the order in which they arrive.
    static func canTake(_ layout: TensorLayout, _ parameters: ScoreParameters) -> Bool {
        FilePieces.areInFileOrder(layout.order, downsample: parameters.blockSide)
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        do throws(ScoringError) {
            return try probabilities.finish()
        } catch {
            throw Problem(error)
        }
    }
}
