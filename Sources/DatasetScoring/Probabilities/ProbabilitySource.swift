import Scoring
import WebService

/// The place from which a scoring gets its predicted probabilities.
///
/// ``ScoreArrays`` chooses the source when the array begins. A further source is a type in a file of its own and a line
/// there.
protocol ProbabilitySource: AnyObject {
    /// The accumulator that takes the bytes of the array as they arrive with the request; nil if none arrive.
    var accumulator: (any ArrayAccumulator)? { get }

    /// How many whole images have been scored while the array arrived.
    var imagesDone: Int { get }

    /// Looks at the probabilities that have not been looked at yet, and hands over the pixels. It is called once, when
    /// all bytes have arrived, and by a worker, since it may take long.
    ///
    /// - Parameters:
    ///   - demand: The demand on the probabilities.
    ///   - progress: Is called with the share of the bytes that has been read, in `[0, 1]`; `false` ends the work.
    /// - Returns: Nil if `progress` ended the work.
    /// - Throws: A problem with an array, or with labels and probabilities together.
    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels?
}
