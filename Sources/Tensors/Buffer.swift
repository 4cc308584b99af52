import Glibc

/// A fixed number of elements at a fixed address.
///
/// Unlike an array it can start without being touched. The memory of a large one is passed on to the next, by ``LargeMemoryStore``.
///
/// `@unchecked Sendable`: one owner fills a buffer; once it is handed to another thread nobody writes to it.
@safe
package final class Buffer<Element: BitwiseCopyable & Sendable>: StableBytes, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Element>
    package let count: Int
    private let origin: Origin

    /// Who gave the memory.
    private enum Origin {
        case malloc
        case store(LargeMemory)
        case file(MappedFile)
    }

    private init(
        taking memory: UnsafeMutableRawPointer?, count: Int, from origin: Origin = .malloc
    ) throws(TensorError) {
        guard let memory = unsafe memory else {
            throw .outOfMemory(byteCount: count * MemoryLayout<Element>.stride)
        }
        unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
        self.origin = origin
    }

    /// Takes elements of a file, which lie in its mapping.
    @unsafe
    init(elements: UnsafeMutableRawPointer, count: Int, of file: MappedFile) {
        unsafe base = elements.bindMemory(to: Element.self, capacity: count)
        self.count = count
        origin = .file(file)
    }

    /// Makes a buffer of elements whose bytes are zero.
    ///
    /// - Parameter count: At least 0, and its product with the element's size fits an `Int`.
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package convenience init(zeroed count: Int) throws(TensorError) {
        try self.init(count, isZeroed: true)
    }

    /// Makes a buffer that holds anything at all, what other buffers held among it. Whoever fills it writes every element
    /// before any is read.
    ///
    /// - Parameter count: At least 0, and its product with the element's size fits an `Int`.
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package convenience init(uninitialized count: Int) throws(TensorError) {
        try self.init(count, isZeroed: false)
    }

    private convenience init(_ count: Int, isZeroed: Bool) throws(TensorError) {
        precondition(count >= 0)
        let byteCount = count * MemoryLayout<Element>.stride
        guard byteCount >= LargeMemoryStore.smallest else {
            try unsafe self.init(taking: calloc(max(count, 1), MemoryLayout<Element>.stride), count: count)
            return
        }
        guard let large = LargeMemoryStore.shared.take(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        if isZeroed, !large.isZeroed { unsafe memset(large.start, 0, byteCount) }
        try unsafe self.init(taking: large.start, count: count, from: .store(large))
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
        try self.init(uninitialized: elements.count)
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
        switch origin {
        case .malloc: unsafe free(base)
        case .store(let memory): LargeMemoryStore.shared.giveBack(memory)
        case .file: break
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
