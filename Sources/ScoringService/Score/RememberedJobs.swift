import Synchronization
import Tensors

/// Counts the memory that it takes to remember jobs which have ended.
final class RememberedJobs: Sendable {
    /// What one takes with all that leads to it: somewhat more than was measured over some thousand of one pixel.
    static let byteCount = 4 << 10

    private let count = Atomic(0)

    deinit {
        ByteBudget.memory.release(count.load(ordering: .relaxed) * Self.byteCount)
    }

    func add(_ jobs: Int) {
        count.add(jobs, ordering: .relaxed)
        ByteBudget.memory.take(jobs * Self.byteCount)
    }

    func removeOne() {
        count.subtract(1, ordering: .relaxed)
        ByteBudget.memory.release(Self.byteCount)
    }
}
