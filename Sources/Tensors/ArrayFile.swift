import Glibc

/// A file that holds arrays one behind the other, each at a multiple of 64 bytes: written once and as a whole, and mapped whenever
/// it is wanted. It says nothing of what it holds; whoever wrote it keeps that elsewhere.
package enum ArrayFile {
    /// Where arrays lie that take so many bytes, in order, and the size of the file.
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

    /// Writes a new file. When this returns the bytes are on the disk, but for the file's name; ``syncDirectory(_:)`` sees to that.
    /// Where it throws there is no file.
    ///
    /// - Parameters:
    ///   - path: Where nothing is yet.
    /// - Returns: What ``check(_:_:_:)`` takes, of each array.
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    @discardableResult
    package static func write(_ arrays: [any StableBytes], to path: String) throws(TensorError) -> [Checksum] {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(operation: "create", path: path, code: errno) }
        defer { close(descriptor) }
        do throws(TensorError) {
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
    ///   - byteCounts: The sizes of its first arrays.
    ///   - checksums: As many at least, of these arrays.
    /// - Throws: ``TensorError/damaged(path:)``, ``TensorError/endOfFile(path:)``, ``TensorError/outOfMemory(byteCount:)``, or
    ///   ``TensorError/system(operation:path:code:)``.
    package static func check(_ path: String, _ byteCounts: [Int], _ checksums: [Checksum]) throws(TensorError) {
        guard checksums.count >= byteCounts.count else { throw .damaged(path: path) }
        let file = try InputFile(path: path)
        let buffer = try Buffer<UInt8>(uninitialized: 256 << 10)
        let (offsets, end) = offsets(of: byteCounts)
        guard file.byteCount >= end else { throw .endOfFile(path: path) }
        for (index, offset) in offsets.enumerated() {
            var checksum = Checksum()
            let range = offset..<offset + byteCounts[index]
            try file.read(range, through: buffer, or: { $0 }) { (bytes, _) throws(TensorError) in
                checksum.update(bytes)
            }
            guard checksum == checksums[index] else { throw .damaged(path: path) }
        }
    }

    /// Cuts a file off.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package static func truncate(_ path: String, to byteCount: Int) throws(TensorError) {
        guard unsafe Glibc.truncate(path, byteCount) == 0 else {
            throw .system(operation: "truncate", path: path, code: errno)
        }
    }

    /// Puts on the disk what was written to a file, by whomever; one that is not there has nothing to be put there.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package static func sync(_ path: String) throws(TensorError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 || errno != ENOENT else { return }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: path, code: errno) }
    }

    /// Puts on the disk which files a directory has.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package static func syncDirectory(_ path: String) throws(TensorError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: path, code: errno) }
    }
}
