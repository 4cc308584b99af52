import Glibc
import Memory

/// Writes bytes into a file.
enum FileBytes {
    /// Writes all bytes.
    ///
    /// - Parameters:
    ///   - offset: The first byte's place in the file.
    ///   - operation: Says in an error what failed.
    ///   - path: Names the file in an error.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, operation: String = "write to",
        _ path: String
    ) throws(FileError) {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let written = unsafe pwrite(descriptor, start + done, bytes.count - done, offset + done)
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw .system(operation: operation, path: path, code: errno) }
            done += written
        }
    }

    /// Writes pieces one behind the other, from the beginning of the file on.
    ///
    /// - Parameters:
    ///   - pieces: Each the owner of bytes, and which of them are written.
    ///   - path: Names the file in an error.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    static func write(
        _ pieces: [(owner: any StableBytes, range: Range<Int>)], to descriptor: Int32, _ path: String
    ) throws(FileError) {
        var end = 0
        for (owner, range) in pieces {
            try unsafe write(
                UnsafeRawBufferPointer(rebasing: owner.stableBytes[range]), to: descriptor, at: end, path)
            end += range.count
        }
    }
}
