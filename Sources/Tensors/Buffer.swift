import Glibc

/// A fixed number of elements at a fixed address.
///
/// Unlike an array it can start without being touched: fresh pages cost as much as the arithmetic done on them. A large one is
/// mapped, so that its memory goes back to the system with it; what is freed by `malloc`'s rules may stay with the process.
///
/// `@unchecked Sendable`: one owner fills a buffer; once it is handed to another thread nobody writes to it.
@safe
package final class Buffer<Element: BitwiseCopyable & Sendable>: StableBytes, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Element>
    package let count: Int
    private let isMapped: Bool

    private init(taking memory: UnsafeMutableRawPointer?, count: Int, isMapped: Bool = false) throws(TensorError) {
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .outOfMemory(byteCount: count * MemoryLayout<Element>.stride)
        }
        unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
        self.isMapped = isMapped
    }

    /// The size from which memory is mapped, in bytes; below it pages would be wasted.
    private static var smallestMapping: Int { 128 << 10 }

    /// The size of a huge page on x86-64 and on arm64 with small pages: from here on the kernel is asked for them, which
    /// saves most of the faults.
    private static var hugePage: Int { 2 << 20 }

    /// Makes a buffer of elements whose bytes are zero.
    ///
    /// - Parameter count: At least 0, and its product with the element's size fits an `Int`.
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package convenience init(zeroed count: Int) throws(TensorError) {
        precondition(count >= 0)
        let byteCount = count * MemoryLayout<Element>.stride
        guard byteCount >= Self.smallestMapping else {
            try unsafe self.init(taking: calloc(max(count, 1), MemoryLayout<Element>.stride), count: count)
            return
        }
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        if byteCount >= Self.hugePage, unsafe memory != MAP_FAILED {
            // Where there are none, small ones serve.
            unsafe madvise(memory, byteCount, MADV_HUGEPAGE)
        }
        try unsafe self.init(taking: memory, count: count, isMapped: true)
    }

    /// Takes over memory that `malloc` gave, and frees it in the end.
    ///
    /// - Throws: ``TensorError/outOfMemory(byteCount:)`` where `memory` is nil.
    @unsafe
    package convenience init(adopting memory: UnsafeMutableRawPointer?, count: Int) throws(TensorError) {
        try unsafe self.init(taking: memory, count: count)
    }

    /// Makes a buffer with a copy of `elements`.
    ///
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package convenience init(copying elements: borrowing Span<Element>) throws(TensorError) {
        let bytes = elements.count * MemoryLayout<Element>.stride
        try unsafe self.init(taking: malloc(max(bytes, 1)), count: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe base.initialize(from: start, count: source.count)
        }
    }

    /// Makes a buffer with a copy of `elements`.
    ///
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package convenience init(_ elements: [Element]) throws(TensorError) {
        try self.init(copying: elements.span)
    }

    deinit {
        if isMapped {
            unsafe munmap(base, byteCount)
        } else {
            unsafe free(base)
        }
    }

    /// The size of all elements, in bytes.
    package var byteCount: Int { count * MemoryLayout<Element>.stride }

    package var span: Span<Element> {
        @_lifetime(borrow self)
        get {
            let elements = unsafe UnsafeBufferPointer(start: base, count: count)
            return unsafe _overrideLifetime(Span(_unsafeElements: elements), borrowing: self)
        }
    }

    /// Lends the elements for writing. Only the owner that fills the buffer may call it.
    package func withMutableSpan<Result, Failure: Error>(
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var elements = unsafe MutableSpan(_unsafeStart: base, count: count)
        return try body(&elements)
    }

    /// Lends the memory to a C kernel for writing. Only the owner that fills the buffer may call it.
    @unsafe
    package var mutableElements: UnsafeMutablePointer<Element> { unsafe base }

    @unsafe
    package var stableBytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: byteCount)
    }
}
