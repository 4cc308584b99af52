import CScoringKernels

extension ScoringError {
    /// What values that are no probabilities may be instead, by the first of them and some that came behind it.
    package enum Lookalike: Equatable, Sendable {
        /// Probabilities, rounded to so few digits that they are further beyond [0, 1] than ``rounding``.
        case roundedProbabilities
        /// Probabilities as percentages, from 0 to 100.
        case percentages
        /// The inputs of a softmax.
        case logits
        /// Values that could be either of these.
        case percentagesOrLogits
        /// The first value is not finite, which tells nothing.
        case nothing

        /// How far beyond [0, 1] a value may be and still count as the nearer end.
        package static let rounding = SEGSCORE_ROUNDING

        /// How far beyond [0, 1] a value has to be to count as a logit or a percentage.
        private static let margin = 0.01

        /// - Parameters:
        ///   - values: The first of them is no probability.
        init(_ values: some Sequence<Double>) {
            var (isFirst, least, most) = (true, 0.0, 1.0)
            for value in values {
                guard value.isFinite || !isFirst else {
                    self = .nothing
                    return
                }
                isFirst = false
                (least, most) = (min(least, value), max(most, value))
            }
            self =
                if least < -Self.margin || most > 100 + Self.margin {
                    .logits
                } else if most <= 1 + Self.margin {
                    .roundedProbabilities
                } else {
                    // Few logits are above 20, and fewer if no other is negative.
                    most > 20 ? .percentages : .percentagesOrLogits
                }
        }
    }
}
