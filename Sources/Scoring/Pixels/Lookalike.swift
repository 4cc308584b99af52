import CScoringKernels

extension ScoringError {
    /// What values that are no probabilities may be, by the first of them and some that came behind it.
    package enum Lookalike: Equatable, Sendable {
        /// Probabilities that were rounded, but to fewer digits than is taken.
        case roundedProbabilities
        /// From 0 to 100.
        case percentages
        case logits
        /// What could be either of these.
        case percentagesOrLogits
        /// The first is not finite.
        case nothing

        /// How far beyond [0, 1] a value counts as the nearer end.
        package static let rounding = SEGSCORE_ROUNDING

        /// Nobody means so little by a logit or a percentage.
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
                    // Few logits are so large, and fewer where none is negative.
                    most > 20 ? .percentages : .percentagesOrLogits
                }
        }
    }
}

extension Kernels.NativeElements {
    /// Of so many at most, which are enough to tell.
    private static let lookedAt = 1 << 14

    /// What the elements from one that is no probability on may be.
    func lookalike(from index: Int) -> ScoringError.Lookalike {
        ScoringError.Lookalike((index..<min(index + Self.lookedAt, count)).lazy.map { doubleValue(at: $0) })
    }
}
