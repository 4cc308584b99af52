import Glibc
package import Memory

/// A file that is read at any place.
///
/// The file is read and not mapped: for bytes that are looked at once, page faults cost more than a copy into a small
/// buffer, mapped pages count as the process's memory, and a file that shrinks while it is mapped ends the process.
///
/// `@unchecked Sendable`: each read says at which place of the file it begins, so that threads share no position.
package final class InputFile: @unchecked Sendable {
    let descriptor: Int32
    package let path: String

    /// The size that the file had when it was opened.
    package let byteCount: Int

    /// - Parameters:
    ///   - descriptor: The open file, which is closed when this ends.
    ///   - path: Names the file in errors.
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENODEV` for what is no regular file.
    init(owning descriptor: Int32, path: String) throws(FileError) {
        self.descriptor = descriptor
        self.path = path
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(operation: "stat", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .system(operation: "read", path: path, code: ENODEV) }
        byteCount = Int(status.st_size)
    }

    /// Opens a file.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENODEV` for what is no regular file.
    package convenience init(path: String) throws(FileError) {
        // Without O_NONBLOCK, opening a pipe would wait for a writer. For regular files it makes no difference.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        try self.init(owning: descriptor, path: path)
    }

    deinit {
        close(descriptor)
    }

    /// Reads neighbouring bytes of the file into a buffer, one filling after the other.
    ///
    /// - Parameters:
    ///   - range: Bytes of the file.
    ///   - buffer: A buffer of at least one byte. Each filling is as large as the buffer, but for the last.
    ///   - body: Called with the bytes of each filling and the place in the file at which they begin.
    /// - Throws: What `body` throws, or made from ``FileError/system(operation:path:code:)`` or
    ///   ``FileError/endOfFile(path:)``.
    package func read<Failure: Error>(
        _ range: Range<Int>, through buffer: Buffer<UInt8>, or failure: (FileError) -> Failure,
        _ body: (borrowing Span<UInt8>, Int) throws(Failure) -> Void
    ) throws(Failure) {
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(buffer.count, range.upperBound - position)
            do throws(FileError) {
                try fill(buffer, count, from: position)
            } catch {
                throw failure(error)
            }
            try body(buffer.span.extracting(0..<count), position)
            position += count
        }
    }

    private func fill(_ buffer: Buffer<UInt8>, _ count: Int, from position: Int) throws(FileError) {
        var done = 0
        while done < count {
            let read = unsafe pread(descriptor, buffer.mutableElements + done, count - done, position + done)
            if read < 0 && errno == EINTR { continue }
            guard read >= 0 else { throw .system(operation: "read", path: path, code: errno) }
            guard read > 0 else { throw .endOfFile(path: path) }
            done += read
        }
    }
}
