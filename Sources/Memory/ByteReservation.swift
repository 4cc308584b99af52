import Synchronization

/// Bytes of a budget that are taken for as long as the reservation lives. They stand for memory that is counted nowhere
/// else.
package final class ByteReservation: Sendable {
    private let budget: ByteBudget
    private let taken = Atomic(0)

    /// - Parameters:
    ///   - byteCount: At least 0.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if there is no room.
    package init(_ byteCount: Int = 0, of budget: ByteBudget = .memory) throws(MemoryError) {
        self.budget = budget
        try grow(by: byteCount)
    }

    deinit {
        budget.release(taken.load(ordering: .relaxed))
    }

    /// Takes more bytes, before the memory is used.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if there is no room.
    package func grow(by byteCount: Int) throws(MemoryError) {
        guard budget.reserve(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        taken.add(byteCount, ordering: .relaxed)
    }

    /// Gives some of the bytes back.
    package func shrink(by byteCount: Int) {
        taken.subtract(byteCount, ordering: .relaxed)
        budget.release(byteCount)
    }
}
