import Synchronization

/// Keeps the memory of large buffers that have ended for the next ones.
///
/// What `malloc` is given back it may keep for good; mappings go back to the system. But fresh pages cost more than the work that
/// is done on them: the kernel clears each at its first touch, and beneath a virtual machine the host may have to find it
/// first. So the latest blocks that were given back are kept, up to a bound, and given to the next buffers of about their size.
final class LargeMemoryStore: Sendable {
    /// That of all buffers.
    static let shared = LargeMemoryStore(keptAtMost: 32 << 20, budget: .memory)

    /// The size from which buffers are worth a mapping of their own, in bytes: among smaller ones they would leave holes in
    /// `malloc`'s memory that few others fit in.
    static let smallest = 64 << 10

    /// Blocks are multiples of it.
    private static let granule = 16 << 10

    private let keptAtMost: Int
    /// Counts what is in use, not what is kept.
    private let budget: ByteBudget
    /// Oldest first.
    private let kept = Mutex<[LargeMemory]>([])

    /// - Parameters:
    ///   - keptAtMost: The most that is kept, in bytes.
    init(keptAtMost: Int, budget: ByteBudget = ByteBudget(limit: .max)) {
        self.keptAtMost = keptAtMost
        self.budget = budget
    }

    deinit {
        kept.withLock { blocks in
            for block in blocks { block.unmap() }
        }
    }

    /// Memory of at least a size; nil where the system gives none, or the budget has no room.
    func take(_ byteCount: Int) -> LargeMemory? {
        let (padded, overflow) = byteCount.addingReportingOverflow(Self.granule - 1)
        guard !overflow else { return nil }
        let byteCount = padded / Self.granule * Self.granule
        guard budget.reserve(byteCount) else { return nil }
        let (found, dropped) = kept.withLock { blocks -> (LargeMemory?, [LargeMemory]) in
            // The smallest that is large enough, and little larger, so that small buffers do not sit on large blocks.
            let candidates = blocks.indices.filter { index in
                let size = blocks[index].byteCount
                return size >= byteCount && size - size / 5 <= byteCount
            }
            if let best = candidates.min(by: { blocks[$0].byteCount < blocks[$1].byteCount }) {
                return (blocks.remove(at: best), [])
            }
            // What is kept and of no use now makes room for what is taken, so that the process does not grow by both. A block
            // much larger stays: for a little room, the next buffer of its size would be all fresh pages.
            return (nil, Self.drop(from: &blocks, upTo: byteCount, until: { $0 >= byteCount }))
        }
        for block in dropped { block.unmap() }
        guard let block = found ?? LargeMemory(byteCount: byteCount) else {
            budget.release(byteCount)
            return nil
        }
        // One that was kept may be somewhat larger.
        budget.release(byteCount)
        guard budget.reserve(block.byteCount) else {
            block.unmap()
            return nil
        }
        return block
    }

    /// Takes memory back that nobody uses any more; the oldest goes to the system where there is too much.
    func giveBack(_ block: LargeMemory) {
        budget.release(block.byteCount)
        var block = block
        block.isZeroed = false
        let dropped = kept.withLock { blocks -> [LargeMemory] in
            blocks.append(block)
            let total = blocks.reduce(0) { $0 + $1.byteCount }
            return Self.drop(from: &blocks, until: { total - $0 <= keptAtMost })
        }
        for block in dropped { block.unmap() }
    }

    /// Takes the oldest blocks of at most a size out, until so many bytes are enough or none is left.
    private static func drop(
        from blocks: inout [LargeMemory], upTo size: Int = .max, until isEnough: (Int) -> Bool
    ) -> [LargeMemory] {
        var dropped: [LargeMemory] = []
        var byteCount = 0
        blocks.removeAll { block in
            guard block.byteCount <= size, !isEnough(byteCount) else { return false }
            byteCount += block.byteCount
            dropped.append(block)
            return true
        }
        return dropped
    }
}
