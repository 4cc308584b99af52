import Glibc
import Synchronization

/// Memory for large buffers: mapped, and kept for the next buffer when one ends.
///
/// What `malloc` is given back it may keep for good; mappings go back to the system. But fresh pages cost more than the work that
/// is done on them: the kernel clears each at its first touch, and beneath a virtual machine the host may have to find it
/// first. So the latest mappings that ended are kept, up to a bound, and given to the next buffers of about their size.
///
/// `@unchecked Sendable`: a block has one owner, its buffer or the store, which passes it on under its lock.
@safe
struct LargeMemory: @unchecked Sendable {
    let start: UnsafeMutableRawPointer

    /// The size of the mapping, a multiple of the page.
    let byteCount: Int

    /// Whether all bytes are zero, as in a fresh mapping.
    private(set) var isZeroed: Bool

    /// The size from which buffers are worth a mapping of their own, in bytes.
    static let smallest = 128 << 10

    /// The most that is kept for later, in bytes.
    static let keptAtMost = 64 << 20

    /// The size of a huge page on x86-64, and on arm64 with small pages: from here on the kernel is asked for them.
    private static let hugePage = 2 << 20

    private static let kept = Mutex<[LargeMemory]>([])

    /// Memory of at least a size; nil where the system gives none.
    static func take(_ byteCount: Int) -> LargeMemory? {
        let (padded, overflow) = byteCount.addingReportingOverflow(smallest - 1)
        guard !overflow else { return nil }
        let byteCount = padded / smallest * smallest
        let found = kept.withLock { blocks -> LargeMemory? in
            // The smallest that is large enough, and little larger, so that small buffers do not sit on large blocks.
            let candidates = blocks.indices.filter { index in
                let size = blocks[index].byteCount
                return size >= byteCount && size - size / 5 <= byteCount
            }
            guard let best = candidates.min(by: { blocks[$0].byteCount < blocks[$1].byteCount }) else { return nil }
            return blocks.remove(at: best)
        }
        if let found { return found }
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        if byteCount >= hugePage {
            // Where there are none, small ones serve.
            unsafe madvise(memory, byteCount, MADV_HUGEPAGE)
        }
        return unsafe LargeMemory(start: memory, byteCount: byteCount, isZeroed: true)
    }

    /// Gives memory back; the oldest that was kept goes to the system where there is too much.
    func giveBack() {
        var block = self
        block.isZeroed = false
        let dropped = Self.kept.withLock { blocks -> [LargeMemory] in
            blocks.append(block)
            var total = blocks.reduce(0) { $0 + $1.byteCount }
            var dropped: [LargeMemory] = []
            while total > Self.keptAtMost {
                let oldest = blocks.removeFirst()
                total -= oldest.byteCount
                dropped.append(oldest)
            }
            return dropped
        }
        for block in dropped { unsafe munmap(block.start, block.byteCount) }
    }
}
