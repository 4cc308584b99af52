import Synchronization

/// Keeps the memory of large buffers that have ended for the buffers that come next.
///
/// Large buffers have mappings of their own, since `malloc` may keep for good what it is given back. But fresh pages
/// cost more than the work that is done on them: the kernel clears each page at its first touch, and beneath a virtual
/// machine the host may have to find it first. So the blocks that were given back last are kept, up to a bound, and
/// given to the next buffers of about their size.
final class LargeMemoryStore: Sendable {
    /// The store that all buffers use.
    static let shared = LargeMemoryStore(keptAtMost: 32 << 20, budget: .memory)

    /// The size in bytes from which a buffer has a mapping of its own. In `malloc`'s memory such a buffer would leave a
    /// hole among the small ones that few others fit in.
    static let smallest = 64 << 10

    /// The size of each block is a multiple of this.
    private static let granule = 16 << 10

    private let keptAtMost: Int
    /// Counts the blocks that are in use, not those that are kept.
    private let budget: ByteBudget
    /// The blocks that are kept, the oldest first.
    private let kept = Mutex<[LargeMemory]>([])

    /// - Parameters:
    ///   - keptAtMost: The most bytes that are kept.
    init(keptAtMost: Int, budget: ByteBudget = ByteBudget(limit: .max)) {
        self.keptAtMost = keptAtMost
        self.budget = budget
    }

    deinit {
        kept.withLock { blocks in
            for block in blocks { block.unmap() }
        }
    }

    /// Gives memory of at least a size; nil if the system gives none or the budget has no room.
    func take(_ byteCount: Int) -> LargeMemory? {
        let (padded, overflow) = byteCount.addingReportingOverflow(Self.granule - 1)
        guard !overflow else { return nil }
        let byteCount = padded / Self.granule * Self.granule
        guard budget.reserve(byteCount) else { return nil }
        let (found, dropped) = kept.withLock { blocks -> (LargeMemory?, [LargeMemory]) in
            // The smallest block that is large enough, but only if it is little larger: small buffers should not hold
            // large blocks.
            let candidates = blocks.indices.filter { index in
                let size = blocks[index].byteCount
                return size >= byteCount && size - size / 5 <= byteCount
            }
            if let best = candidates.min(by: { blocks[$0].byteCount < blocks[$1].byteCount }) {
                return (blocks.remove(at: best), [])
            }
            // None fits. Blocks that are kept make room for the memory that is taken now, so that the process does not
            // grow by both. A much larger block stays: to gain a little room, the next buffer of its size would lose
            // all its pages.
            return (nil, Self.drop(from: &blocks, upTo: byteCount, until: { $0 >= byteCount }))
        }
        for block in dropped { block.unmap() }
        guard let block = found ?? LargeMemory(byteCount: byteCount) else {
            budget.release(byteCount)
            return nil
        }
        // A block that was kept may be somewhat larger than what was asked for.
        budget.release(byteCount)
        guard budget.reserve(block.byteCount) else {
            block.unmap()
            return nil
        }
        return block
    }

    /// Takes memory back that nobody uses any more. If more is kept then than may be, the oldest blocks go to the
    /// system.
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

    /// Takes out the oldest blocks of at most a size, until `isEnough` says so of the bytes that were taken out.
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
