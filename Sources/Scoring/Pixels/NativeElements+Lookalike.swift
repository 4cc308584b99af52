extension Kernels.NativeElements {
    /// How many elements are looked at, which are enough to tell.
    private static let lookedAt = 1 << 14

    /// What the elements may be instead of probabilities, from the first on that is none.
    func lookalike(from index: Int) -> ScoringError.Lookalike {
        ScoringError.Lookalike((index..<min(index + Self.lookedAt, count)).lazy.map { doubleValue(at: $0) })
    }
}
