import Memory

/// A text that is gathered as it arrives, in memory that the budget counts.
package final class HeldText {
    package private(set) var bytes: [UInt8] = []
    private let limit: Int
    private var reserved = 0

    /// - Parameters:
    ///   - limit: The most bytes that the text may have.
    package init(limit: Int) {
        self.limit = limit
    }

    deinit {
        ByteBudget.memory.release(reserved)
    }

    /// Adds the next bytes.
    ///
    /// - Throws: A 413 problem if the text becomes too long; 503 if memory is short.
    package func append(_ more: borrowing Span<UInt8>) throws(Problem) {
        guard more.count <= limit - bytes.count else { throw .bodyTooLarge(limit: limit) }
        let count = bytes.count + more.count
        if count > reserved {
            let larger = max(count, min(2 * reserved, limit))
            // While the text moves to a larger buffer, both buffers exist.
            let before = reserved
            try reserve(larger)
            bytes.reserveCapacity(larger)
            give(back: before)
        }
        for index in 0..<more.count { bytes.append(more[index]) }
    }

    private func give(back byteCount: Int) {
        ByteBudget.memory.release(byteCount)
        reserved -= byteCount
    }

    /// Takes memory from the budget for the values that are read from the text.
    ///
    /// - Throws: A 503 problem if memory is short.
    package func reserve(_ byteCount: Int) throws(Problem) {
        guard ByteBudget.memory.reserve(byteCount) else { throw Problem(MemoryError.outOfMemory(byteCount: byteCount)) }
        reserved += byteCount
    }
}
