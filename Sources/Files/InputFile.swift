import Glibc
package import Memory

/// A file that is read at any place, or what is read as if it were one.
///
/// The file is read and not mapped: for bytes that are looked at once, page faults cost more than a copy into a small
/// buffer, mapped pages count as the process's memory, and a file that shrinks while it is mapped ends the process.
package final class InputFile: Sendable {
    private let source: any ByteSource
    package let path: String

    /// The size that the file had when it was opened.
    package let byteCount: Int

    /// - Parameter path: Names the file in errors.
    init(_ file: OpenFile, path: String) {
        source = file
        self.path = path
        byteCount = file.byteCount
    }

    /// - Parameters:
    ///   - descriptor: The open file, which is closed when this ends.
    ///   - path: Names the file in errors.
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENODEV` for what is no regular file.
    convenience init(owning descriptor: Int32, path: String) throws(FileError) {
        self.init(try OpenFile(owning: descriptor, path: path), path: path)
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

    /// Takes bytes that a client has as a file. They are read when the file is.
    ///
    /// - Parameters:
    ///   - pieces: The bytes, which follow one another. Together they are fewer than 2^63.
    ///   - process: The client.
    /// - Throws: ``FileError/clientMemory(code:)``.
    package init(_ pieces: [ClientPiece], of process: ForeignProcess) throws(FileError) {
        let bytes = try ClientBytes(pieces, of: process)
        source = bytes
        path = "in the client's memory"
        byteCount = bytes.byteCount
    }

    /// Reads neighbouring bytes of the file into a buffer, one filling after the other.
    ///
    /// - Parameters:
    ///   - range: Bytes of the file.
    ///   - buffer: A buffer of at least one byte. Each filling is as large as the buffer, but for the last.
    ///   - body: Called with the bytes of each filling and the place in the file at which they begin.
    /// - Throws: What `body` throws, or made from ``FileError/system(operation:path:code:)``,
    ///   ``FileError/endOfFile(path:)`` or ``FileError/clientMemory(code:)``.
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
            let rest = unsafe UnsafeMutableRawBufferPointer(start: buffer.mutableElements + done, count: count - done)
            let read = try unsafe source.read(into: rest, from: position + done)
            guard read > 0 else { throw .endOfFile(path: path) }
            done += read
        }
    }
}
