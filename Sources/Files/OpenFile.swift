import Glibc

/// A regular file that is open.
final class OpenFile: ByteSource {
    let descriptor: Int32
    private let path: String

    /// The size that the file had when it was opened.
    let byteCount: Int

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

    deinit {
        close(descriptor)
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, from position: Int) throws(FileError) -> Int {
        while true {
            // Each read says where it begins, so that threads share no position.
            let count = unsafe pread(descriptor, bytes.baseAddress, bytes.count, position)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system(operation: "read", path: path, code: errno) }
            return count
        }
    }
}
