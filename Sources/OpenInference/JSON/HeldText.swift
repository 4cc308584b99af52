import Tensors
import WebService

/// A text that is gathered as it arrives and held in memory, which it takes from the budget.
final class HeldText {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private var reserved = 0

    /// - Parameters:
    ///   - limit: How many bytes the text may have.
    init(limit: Int) {
        self.limit = limit
    }

    deinit {
        ByteBudget.memory.release(reserved)
    }

    /// Takes the next bytes.
    ///
    /// - Throws: 413 where there are too many; 503 where memory is short.
    func append(_ more: borrowing Span<UInt8>) throws(Problem) {
        guard more.count <= limit - bytes.count else { throw .bodyTooLarge(limit: limit) }
        let count = bytes.count + more.count
        if count > reserved {
            let larger = max(count, min(2 * reserved, limit))
            // While it grows, both are there.
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

    /// Takes memory for what is made of the text while it is read.
    ///
    /// - Throws: 503 where memory is short.
    func reserve(_ byteCount: Int) throws(Problem) {
        guard ByteBudget.memory.reserve(byteCount) else { throw Problem(TensorError.outOfMemory(byteCount: byteCount)) }
        reserved += byteCount
    }
}
