import Glibc

/// A fixed number of elements at a fixed address.
///
/// Unlike an array, a buffer can be made without touching its memory. ``LargeMemoryStore`` passes the memory of a large
/// buffer on to the next. All memory counts against ``ByteBudget/memory``, that of small buffers too, since there may
/// be very many.
///
/// `@unchecked Sendable`: one owner fills a buffer; once it is handed to another thread nobody writes to it.
@safe
package final class Buffer<Element: BitwiseCopyable & Sendable>: StableBytes, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Element>
    package let count: Int
    private let origin: Origin

    /// What gave the memory, and takes it back.
    private enum Origin {
        /// `reserved` is how many bytes count against the budget.
        case malloc(reserved: Int)
        case store(LargeMemory)
        /// The memory belongs to this object, which lives as long as the buffer.
        case other(any AnyObject & Sendable)
    }

    private init(
        taking memory: UnsafeMutableRawPointer?, count: Int, from origin: Origin
    ) throws(MemoryError) {
        guard let memory = unsafe memory else {
            if case .malloc(let reserved) = origin { ByteBudget.memory.release(reserved) }
            throw .outOfMemory(byteCount: count * MemoryLayout<Element>.stride)
        }
        unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
        self.origin = origin
    }

    /// Makes a buffer of elements that lie in another object's memory, such as a file's mapping. The buffer keeps the
    /// object alive.
    ///
    /// - Parameters:
    ///   - elements: The first of `count` elements, which stay where they are for as long as their owner lives.
    @unsafe
    package init(elements: UnsafeMutableRawPointer, count: Int, of owner: any AnyObject & Sendable) {
        unsafe base = elements.bindMemory(to: Element.self, capacity: count)
        self.count = count
        origin = .other(owner)
    }

    /// Makes a buffer of elements whose bytes are zero.
    ///
    /// - Parameter count: At least 0, and its product with the element's size fits an `Int`.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package convenience init(zeroed count: Int) throws(MemoryError) {
        try self.init(count, isZeroed: true)
    }

    /// Makes a buffer whose bytes may be anything, for example what another buffer held. Whoever fills it writes every
    /// element before any is read.
    ///
    /// - Parameter count: At least 0, and its product with the element's size fits an `Int`.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package convenience init(uninitialized count: Int) throws(MemoryError) {
        try self.init(count, isZeroed: false)
    }

    private convenience init(_ count: Int, isZeroed: Bool) throws(MemoryError) {
        precondition(count >= 0)
        let byteCount = count * MemoryLayout<Element>.stride
        guard byteCount >= LargeMemoryStore.smallest else {
            let reserved = byteCount + Self.overhead
            guard ByteBudget.memory.reserve(reserved) else { throw .outOfMemory(byteCount: byteCount) }
            try unsafe self.init(
                taking: calloc(max(count, 1), MemoryLayout<Element>.stride), count: count,
                from: .malloc(reserved: reserved))
            return
        }
        guard let large = LargeMemoryStore.shared.take(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        if isZeroed, !large.isZeroed { unsafe memset(large.start, 0, byteCount) }
        try unsafe self.init(taking: large.start, count: count, from: .store(large))
    }

    /// The bytes that a small buffer takes beside its elements: those of the object, and what `malloc` keeps about
    /// both.
    private static var overhead: Int { 96 }

    /// Takes over memory that `malloc` gave, and frees it in the end. The memory does not count against the budget,
    /// since whoever asked `malloc` for it has counted it.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if `memory` is nil.
    @unsafe
    package convenience init(adopting memory: UnsafeMutableRawPointer?, count: Int) throws(MemoryError) {
        try unsafe self.init(taking: memory, count: count, from: .malloc(reserved: 0))
    }

    /// Makes a buffer with a copy of a few elements that does not count against the budget, so that there can be one
    /// even if the budget is used up.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package convenience init(uncounted elements: [Element]) throws(MemoryError) {
        let byteCount = max(elements.count, 1) * MemoryLayout<Element>.stride
        try unsafe self.init(adopting: malloc(byteCount), count: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe base.initialize(from: start, count: source.count)
        }
    }

    /// Makes a buffer with a copy of `elements`.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package convenience init(copying elements: borrowing Span<Element>) throws(MemoryError) {
        try self.init(uninitialized: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe base.initialize(from: start, count: source.count)
        }
    }

    /// Makes a buffer with a copy of `elements`.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package convenience init(_ elements: [Element]) throws(MemoryError) {
        try self.init(copying: elements.span)
    }

    deinit {
        switch origin {
        case .malloc(let reserved):
            unsafe free(base)
            ByteBudget.memory.release(reserved)
        case .store(let memory): LargeMemoryStore.shared.giveBack(memory)
        case .other: break
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
