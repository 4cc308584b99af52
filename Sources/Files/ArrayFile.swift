import Glibc
package import Memory

/// A file that holds arrays one behind the other, each at a multiple of 64 bytes.
///
/// The file is written once and as a whole, and mapped whenever it is wanted. It does not say what it holds: whoever
/// writes it keeps that elsewhere.
package enum ArrayFile {
    /// The offsets of arrays of given sizes, in order, and the size of their file.
    ///
    /// - Parameters:
    ///   - byteCounts: Each at least 0; their sum is far from overflow.
    package static func offsets(of byteCounts: [Int]) -> (offsets: [Int], byteCount: Int) {
        var (offsets, end) = ([Int](), 0)
        for byteCount in byteCounts {
            let offset = (end + 63) & ~63
            offsets.append(offset)
            end = offset + byteCount
        }
        return (offsets, end)
    }

    /// Writes a new file.
    ///
    /// When this returns, the bytes are on the disk; for the file's name to be there too, ``syncDirectory(_:)`` has to
    /// be called. If this throws, there is no file.
    ///
    /// - Parameters:
    ///   - path: The file's path, at which there is nothing yet.
    /// - Returns: The checksum of each array, for ``check(_:_:_:)``.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    @discardableResult
    package static func write(_ arrays: [any StableBytes], to path: String) throws(FileError) -> [Checksum] {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(operation: "create", path: path, code: errno) }
        defer { close(descriptor) }
        do throws(FileError) {
            let (offsets, _) = offsets(of: arrays.map { unsafe $0.stableBytes.count })
            var checksums: [Checksum] = []
            for (array, offset) in zip(arrays, offsets) {
                try unsafe FileBytes.write(array.stableBytes, to: descriptor, at: offset, path)
                var checksum = Checksum()
                unsafe checksum.update(array.stableBytes)
                checksums.append(checksum)
            }
            guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: path, code: errno) }
            return checksums
        } catch {
            unsafe unlink(path)
            throw error
        }
    }

    /// Proves that a file holds what was written to it, by reading it from end to end.
    ///
    /// - Parameters:
    ///   - byteCounts: The sizes of the file's first arrays.
    ///   - checksums: The checksums of these arrays; there may be more.
    /// - Throws: ``FileError/damaged(path:)``, ``FileError/endOfFile(path:)``,
    ///   ``FileError/memory(_:)``, or ``FileError/system(operation:path:code:)``.
    package static func check(_ path: String, _ byteCounts: [Int], _ checksums: [Checksum]) throws(FileError) {
        guard checksums.count >= byteCounts.count else { throw .damaged(path: path) }
        let file = try InputFile(path: path)
        let buffer = try FileError.wrapping { () throws(MemoryError) in try Buffer<UInt8>(uninitialized: 256 << 10) }
        let (offsets, end) = offsets(of: byteCounts)
        guard file.byteCount >= end else { throw .endOfFile(path: path) }
        for (index, offset) in offsets.enumerated() {
            var checksum = Checksum()
            let range = offset..<offset + byteCounts[index]
            try file.read(range, through: buffer, or: { $0 }) { (bytes, _) throws(FileError) in
                checksum.update(bytes)
            }
            guard checksum == checksums[index] else { throw .damaged(path: path) }
        }
    }

    /// Makes a file shorter.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package static func truncate(_ path: String, to byteCount: Int) throws(FileError) {
        guard unsafe Glibc.truncate(path, byteCount) == 0 else {
            throw .system(operation: "truncate", path: path, code: errno)
        }
    }

    /// Waits until everything that was written to a file, by any process, is on the disk. A file that is not there has
    /// nothing to wait for.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package static func sync(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 || errno != ENOENT else { return }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: path, code: errno) }
    }

    /// Waits until the names of a directory's files are on the disk.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package static func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: path, code: errno) }
    }
}
