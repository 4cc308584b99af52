import Glibc

/// One block of mapped memory.
///
/// `@unchecked Sendable`: a block has one owner, a buffer or the store that passes it on.
@safe
struct LargeMemory: @unchecked Sendable {
    let start: UnsafeMutableRawPointer

    /// The size of the mapping, a multiple of the page.
    let byteCount: Int

    /// Whether all bytes are zero, as in a fresh mapping.
    var isZeroed = true

    /// The size of a huge page on x86-64, and on arm64 with small pages. For blocks of at least this size the kernel is
    /// asked for huge pages.
    private static let hugePage = 2 << 20

    /// Maps memory; nil if the system gives none.
    init?(byteCount: Int) {
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        if byteCount >= Self.hugePage {
            // If the system has no huge pages, small ones serve.
            unsafe madvise(memory, byteCount, MADV_HUGEPAGE)
        }
        unsafe start = memory
        self.byteCount = byteCount
    }

    /// Gives the memory to the system. Nobody uses it any more.
    func unmap() {
        unsafe munmap(start, byteCount)
    }
}
