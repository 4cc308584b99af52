import Memory
import Scoring
import WebService

/// `pred_probs` that are scored as they arrive, because their labels and all parameters came before them.
final class StreamedProbabilities: ProbabilitySource {
    private let probabilities: any ProbabilityAccumulator

    var accumulator: (any ArrayAccumulator)? { probabilities }
    var imagesDone: Int { probabilities.imagesDone }

    /// - Throws: A problem with labels, layout and parameters together.
    init(_ layout: TensorLayout, for demand: ProbabilityDemand) throws(Problem) {
        probabilities = try demand.accumulator(for: layout)
    }

    /// Whether probabilities of a layout can be scored in the order in which they arrive.
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
