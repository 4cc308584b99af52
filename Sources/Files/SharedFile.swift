import Glibc
package import Memory

/// A file that another process has open too, and may change while it is read and written.
///
/// The file is read and written and not mapped, so that its becoming shorter is an error and does not end the process.
package final class SharedFile: Sendable {
    private let file: OpenFile
    private let input: InputFile

    /// Opens an existing file.
    ///
    /// - Parameters:
    ///   - name: A name in `directory`, without a slash; links are not followed.
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENODEV` for what is no regular file.
    package init(_ name: String, in directory: String) throws(FileError) {
        precondition(!name.contains("/"))
        let path = directory + "/" + name
        let descriptor = unsafe open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        file = try OpenFile(owning: descriptor, path: path)
        input = InputFile(file, path: path)
    }

    package var path: String { input.path }

    /// The size that the file has now, in bytes.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package func byteCount() throws(FileError) -> Int {
        var status = stat()
        guard unsafe fstat(file.descriptor, &status) == 0 else {
            throw .system(operation: "stat", path: path, code: errno)
        }
        return Int(status.st_size)
    }

    /// Reads bytes as ``InputFile/read(_:through:or:_:)`` does.
    package func read<Failure: Error>(
        _ range: Range<Int>, through buffer: Buffer<UInt8>, or failure: (FileError) -> Failure,
        _ body: (borrowing Span<UInt8>, Int) throws(Failure) -> Void
    ) throws(Failure) {
        try input.read(range, through: buffer, or: failure, body)
    }

    /// Writes bytes. They should lie within the file's size, since otherwise the file grows.
    ///
    /// - Parameters:
    ///   - range: Within the owner's bytes.
    ///   - offset: The first byte's place in the file, at least 0.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package func write(_ owner: some StableBytes, _ range: Range<Int>, at offset: Int) throws(FileError) {
        try unsafe FileBytes.write(
            UnsafeRawBufferPointer(rebasing: owner.stableBytes[range]), to: file.descriptor, at: offset, path)
    }
}
