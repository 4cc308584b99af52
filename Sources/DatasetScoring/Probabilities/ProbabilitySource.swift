import Scoring
import WebService

/// Where the predicted probabilities of a scoring come from, once that is known.
///
/// ``ScoreArrays`` chooses the source when the array begins. A further one, of logits say, is a type in a file of its
/// own and a line there.
protocol ProbabilitySource: AnyObject {
    /// What takes the bytes that arrive with the request; nil if none arrive.
    var accumulator: (any ArrayAccumulator)? { get }

    /// How many images have been scored in whole as they arrived.
    var imagesDone: Int { get }

    /// Looks at the probabilities that have not been looked at yet, and hands over the pixels; once, when all bytes
    /// have arrived. It may take long, so that workers call it.
    ///
    /// - Parameters:
    ///   - demand: What is wanted of the probabilities.
    ///   - progress: Called with the share of the bytes that has been read, in `[0, 1]`; `false` ends the work.
    /// - Returns: Nil if `progress` ended the work.
    /// - Throws: What is wrong with an array, or with labels and probabilities together.
    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels?
}
