import Memory
import Synchronization

/// Counts the memory that jobs take which have ended and are remembered.
final class RememberedJobs: Sendable {
    /// The memory that one job takes with all references to it, in bytes: somewhat more than was measured over
    /// thousands of jobs of one pixel.
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
