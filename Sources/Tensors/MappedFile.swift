private import CMappedFaults
import Glibc

/// The bytes of a file of our own, as memory that the system reads in when it is looked at, and may drop again.
///
/// What is written to the memory stays out of the file. Where the file is made shorter, or its disk cannot be read, the memory
/// holds zeros from there on, and ``faultCount`` has grown: whoever has read asks for it afterwards.
///
/// `@unchecked Sendable`: the mapping never changes; the buffers in it say who may write to them.
@safe
package final class MappedFile: @unchecked Sendable {
    private let start: UnsafeMutableRawPointer
    private let byteCount: Int
    private let guardNumber: Int

    /// How many mappings of the process hold zeros that are not in their files.
    package static var faultCount: UInt64 { segscore_mapped_faults() }

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
        let number = unsafe segscore_guard(memory, byteCount)
        guard number >= 0 else {
            unsafe munmap(memory, byteCount)
            throw .outOfMemory(byteCount: 1)
        }
        unsafe start = memory
        self.byteCount = byteCount
        guardNumber = number
    }

    deinit {
        segscore_unguard(guardNumber)
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
