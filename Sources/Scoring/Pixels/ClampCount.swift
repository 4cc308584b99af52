import Synchronization

/// Counts the probabilities that rounding had led beyond [0, 1], and that count as the nearer end of it. Several
/// threads may add to the count.
final class ClampCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - more: How many more there are; mostly 0, which costs nothing.
    func add(_ more: Int) {
        if more > 0 { count.add(more, ordering: .relaxed) }
    }
}
