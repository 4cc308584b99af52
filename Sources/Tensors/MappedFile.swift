import Glibc

/// The bytes of a file of our own, as memory that the system reads in when it is looked at, and may drop again.
///
/// Nobody may shorten the file below the size that was mapped. What is written to the memory stays out of the file.
///
/// `@unchecked Sendable`: the mapping never changes; the buffers in it say who may write to them.
@safe
package final class MappedFile: @unchecked Sendable {
    private let start: UnsafeMutableRawPointer
    private let byteCount: Int

    /// - Parameters:
    ///   - byteCount: How much of the file is mapped, at least 1.
    /// - Throws: ``TensorError/system(operation:path:code:)``, or ``TensorError/endOfFile(path:)`` where the file is shorter.
    package init(path: String, byteCount: Int) throws(TensorError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(operation: "stat", path: path, code: errno) }
        guard status.st_size >= byteCount else { throw .endOfFile(path: path) }
        let flags = MAP_PRIVATE | MAP_NORESERVE
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .system(operation: "map", path: path, code: errno)
        }
        unsafe start = memory
        self.byteCount = byteCount
    }

    deinit {
        unsafe munmap(start, byteCount)
    }

    /// Some elements of the file, which hold on to the mapping.
    ///
    /// - Parameters:
    ///   - offset: In bytes, a multiple of the element's size; the elements lie in what is mapped.
    package func buffer<Element>(at offset: Int, count: Int) -> Buffer<Element> {
        let stride = MemoryLayout<Element>.stride
        precondition(offset >= 0 && count >= 0 && offset % stride == 0 && count <= (byteCount - offset) / stride)
        return unsafe Buffer(elements: start + offset, count: count, of: self)
    }
}
