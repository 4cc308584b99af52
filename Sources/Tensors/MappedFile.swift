import Glibc

/// A file's bytes, mapped into memory for reading.
///
/// `@unchecked Sendable`: the mapping is read-only and lives as long as the object.
@safe
package final class MappedFile: StableBytes, @unchecked Sendable {
    private let memory: UnsafeRawBufferPointer

    /// Maps the whole of an open file. The descriptor stays the caller's.
    ///
    /// - Parameter path: Names the file in errors.
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package init(descriptor: Int32, path: String) throws(TensorError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(operation: "stat", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .system(operation: "map", path: path, code: ENODEV) }
        let count = Int(status.st_size)
        guard count > 0 else {
            unsafe memory = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), unsafe start != MAP_FAILED
        else { throw .system(operation: "map", path: path, code: errno) }
        unsafe madvise(start, count, MADV_SEQUENTIAL)
        unsafe memory = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Opens and maps a file.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package convenience init(path: String) throws(TensorError) {
        // Without O_NONBLOCK the opening of a pipe waits for a writer; of regular files it asks nothing.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        try self.init(descriptor: descriptor, path: path)
    }

    deinit {
        guard let start = unsafe memory.baseAddress else { return }
        unsafe munmap(UnsafeMutableRawPointer(mutating: start), memory.count)
    }

    package var count: Int { unsafe memory.count }

    /// The file's bytes.
    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let bytes = unsafe memory.bindMemory(to: UInt8.self)
            return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
        }
    }

    @unsafe
    package var stableBytes: UnsafeRawBufferPointer { unsafe memory }
}
