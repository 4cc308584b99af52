import Synchronization

/// Counts the probabilities that were beyond [0, 1] by rounding and count as its nearer end. Several threads may add to it.
final class ClampCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - more: Mostly 0, which costs nothing.
    func add(_ more: Int) {
        if more > 0 { count.add(more, ordering: .relaxed) }
    }
}
