import Memory
import Scoring
import WebService

/// `own`, `largest` and `predicted` in place of `pred_probs`, in any order, with the request or in files.
///
/// They are kept as they arrive, as the engine keeps what it finds in probabilities, so that nothing waits in a file.
final class ReducedProbabilities: ProbabilitySource {
    private let places: ScoringPlaces
    private var own: ReducedScores?
    private var largest: ReducedScores?
    private var predicted: LabelAccumulator?

    /// The arrays have accumulators of their own, which ``begin(_:_:)`` returns.
    var accumulator: (any ArrayAccumulator)? { nil }
    var imagesDone: Int { 0 }

    init(in places: ScoringPlaces) {
        self.places = places
    }

    /// The arrays that have begun.
    private var arrays: [ScoringError.Array] {
        [own.map { _ in .own }, largest.map { _ in .largest }, predicted.map { _ in .predicted }].compactMap(\.self)
    }

    /// The first of the arrays that have begun.
    var first: ScoringError.Array? { arrays.first }

    /// Begins one of the arrays.
    ///
    /// - Parameters:
    ///   - array: The array, by its name and its layout.
    ///   - parameters: The parameters; nil if some may be still to come.
    /// - Returns: The accumulator that takes the array's elements.
    /// - Throws: A problem with the layout; 400 for a parameter that needs every probability.
    func begin(
        _ array: Predictions, _ parameters: ScoreParameters?
    ) throws(Problem) -> any ArrayAccumulator {
        try parameters?.checkReduced(array.array)
        let limit = places.maxPixels
        do throws(ScoringError) {
            if array.array == .predicted {
                let classes = try LabelAccumulator(layout: array.layout, pixelLimit: limit, of: .predicted)
                predicted = classes
                return classes
            }
            let scores = try ReducedScores(array.array, layout: array.layout, pixelLimit: limit)
            if array.array == .own { own = scores } else { largest = scores }
            return scores
        } catch {
            throw Problem(error)
        }
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        let own = try require(demand.parameters)
        let classCount = try demand.classCountOfReduced()
        guard progress(0) else { return nil }
        do throws(ScoringError) {
            let classes = predicted?.finish()
            predicted = nil
            return try ReducedPixels(own: own, largest: largest, predicted: classes).scored(
                labels: demand.labels, classCount: classCount, ignoredLabel: demand.parameters.labels.ignoredLabel,
                on: ImageLoop(processors: places.processors))
        } catch {
            throw Problem(error)
        }
    }

    /// Proves that the arrays which the scores need have come, and that the parameters need no others.
    ///
    /// - Returns: The probabilities of labels, which all scores need.
    func require(_ parameters: ScoreParameters) throws(Problem) -> ReducedScores {
        let arrays = arrays
        try parameters.checkReduced(arrays.first ?? .own)
        let method = parameters.method
        let needed = method.type.needsAllProbabilities ? Predictions.reducedArrays : [.own]
        let missing = needed.filter { !arrays.contains($0) }
        guard let first = missing.first, let came = arrays.first else {
            guard let own else { preconditionFailure("it is needed, and nothing is missing") }
            return own
        }
        let names = missing.map(\.rawValue).joined(separator: " and ")
        throw Problem(
            .missingArray,
            "There is \(came.rawValue) and no \(names): \(method.rawValue) needs "
                + (needed.count > 1
                    ? "own, largest and predicted together, since it compares the largest probability and its class."
                    : "the probability that each pixel gives to its own label."),
            parameter: first.rawValue, expected: needed.map(\.rawValue).joined(separator: ", "),
            actual: arrays.map(\.rawValue).joined(separator: ", "))
    }
}

extension ScoreParameters {
    /// Proves that arrays that were reduced can be scored with the parameters.
    ///
    /// - Throws: A 400 problem for a parameter that needs every probability.
    fileprivate func checkReduced(_ array: ScoringError.Array) throws(Problem) {
        let probabilities = "every probability is needed for that: send pred_probs or logits."
        guard blockSide == 1 else {
            throw Problem(
                .invalidParameter,
                "downsample takes the mean of each class over a block, and \(array.rawValue) has been reduced to one "
                    + "number a pixel: \(probabilities)",
                parameter: "downsample", expected: "1, or pred_probs in place of \(array.rawValue)",
                actual: "\(blockSide)")
        }
        let sampling = sampling
        if sampling.sampling != .none,
            let name = SamplingParameters.names.first(where: { sampling.values[$0] != nil })
        {
            throw Problem(
                .invalidParameter,
                "\(name) is of arrays with an axis of classes, and \(array.rawValue) has the shape of labels: reduce "
                    + "pred_probs or logits with it.",
                parameter: name, expected: "none, or pred_probs or logits in place of \(array.rawValue)",
                actual: sampling.values[name])
        }
        for (name, value) in [("activation", activation?.rawValue), ("normalize", normalization?.rawValue)] {
            guard let value else { continue }
            throw Problem(
                .invalidParameter,
                "\(name) makes probabilities of a pixel's values, and \(array.rawValue) has been reduced from "
                    + "probabilities: \(probabilities)",
                parameter: name, expected: "none, or pred_probs or logits in place of \(array.rawValue)", actual: value)
        }
    }
}

extension ProbabilityDemand {
    /// K, which arrays that were reduced do not tell.
    ///
    /// - Throws: A 400 problem if nothing tells it; 422 if labels and parameters tell different numbers.
    fileprivate func classCountOfReduced() throws(Problem) -> Int {
        if let labelClassCount, let classCount = parameters.classCount, labelClassCount != classCount {
            throw Problem(
                .shapeMismatch, "labels have \(labelClassCount) classes, and classes says another number.",
                parameter: "classes", expected: "\(labelClassCount)", actual: "\(classCount)")
        }
        guard let classCount = parameters.classCount ?? labelClassCount else {
            throw Problem(
                .invalidParameter,
                "own, largest and predicted do not tell how many classes there are, and the largest class that occurs "
                    + "need not be the last: name the number in classes.",
                parameter: "classes", expected: "a whole number from 1 to \(ScoringShape.classLimit)")
        }
        return classCount
    }
}
