private import CMappedFaults
import Glibc
package import Memory

/// The bytes of a file that the program wrote, as memory. The system reads a page of it in when the page is looked at,
/// and may drop it again.
///
/// Writing to the memory does not change the file. If the file is made shorter or its disk cannot be read, the memory
/// holds zeros in place of what is missing, and ``faultCount`` grows: whoever has read the memory looks at it
/// afterwards.
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
    ///   - byteCount: How many bytes of the file are mapped, at least 1.
    /// - Throws: ``FileError/system(operation:path:code:)``, or ``FileError/endOfFile(path:)`` if the file is
    ///   shorter.
    package init(path: String, byteCount: Int) throws(FileError) {
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
            throw .memory(.outOfMemory(byteCount: 1))
        }
        unsafe start = memory
        self.byteCount = byteCount
        guardNumber = number
    }

    deinit {
        segscore_unguard(guardNumber)
        unsafe munmap(start, byteCount)
    }

    /// Some elements of the file, as a buffer that keeps the mapping alive.
    ///
    /// - Parameters:
    ///   - offset: The first element's place in bytes, a multiple of the element's size. All elements are within the
    ///     mapping.
    package func buffer<Element>(at offset: Int, count: Int) -> Buffer<Element> {
        let stride = MemoryLayout<Element>.stride
        precondition(offset >= 0 && count >= 0 && offset % stride == 0 && count <= (byteCount - offset) / stride)
        return unsafe Buffer(elements: start + offset, count: count, of: self)
    }
}
