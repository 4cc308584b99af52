import Glibc

/// Bytes on their way into a file.
enum FileBytes {
    /// Writes all of them.
    ///
    /// - Parameters:
    ///   - offset: Where in the file the first goes.
    ///   - operation, path: For errors.
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, operation: String = "write to",
        _ path: String
    ) throws(TensorError) {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let written = unsafe pwrite(descriptor, start + done, bytes.count - done, offset + done)
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw .system(operation: operation, path: path, code: errno) }
            done += written
        }
    }
}
