import Glibc
package import Memory

/// A directory that the program's own user has files written into. Unlike a request, the user may write anywhere.
package struct OutputFolder {
    private let path: String

    /// Makes the directory, and those on its path, if they are not there.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package init(path: String) throws(FileError) {
        self.path = path
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard unsafe mkdir(made, 0o777) != 0, errno != EEXIST else { continue }
            // On a disk that can only be read, a directory that may not be made can be there all the same.
            let code = errno
            guard Self.isDirectory(made) else { throw .system(operation: "make", path: made, code: code) }
        }
        guard Self.isDirectory(path) else { throw .system(operation: "open", path: path, code: ENOTDIR) }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Writes a file as a whole, in place of one of the same name.
    ///
    /// - Parameters:
    ///   - name: The file's name, without a slash.
    ///   - pieces: The bytes of the file.
    /// - Throws: ``FileError/system(operation:path:code:)``. If this throws, nothing of the file stays.
    package func write(_ name: String, _ pieces: [(owner: any StableBytes, range: Range<Int>)]) throws(FileError) {
        try replace(name) { (file, path) throws(FileError) in try FileBytes.write(pieces, to: file, path) }
    }

    /// Writes a file as a whole from pieces that are made one after another, in place of one of the same name.
    ///
    /// - Parameters:
    ///   - name: The file's name, without a slash.
    ///   - next: Makes the next piece, or returns nil behind the last.
    /// - Throws: ``FileError/system(operation:path:code:)``, or what `next` throws. If this throws, nothing of the file
    ///   stays.
    package func write(_ name: String, from next: () throws(FileError) -> [UInt8]?) throws(FileError) {
        try replace(name) { (file, path) throws(FileError) in
            var end = 0
            while let piece = try next() {
                let written = unsafe piece.withUnsafeBytes { bytes in
                    Result { () throws(FileError) in try unsafe FileBytes.write(bytes, to: file, at: end, path) }
                }
                try written.get()
                end += piece.count
            }
        }
    }

    /// Has a file written beside the one that it then takes the place of.
    private func replace(
        _ name: String, by writing: (_ file: Int32, _ path: String) throws(FileError) -> Void
    ) throws(FileError) {
        let (whole, partial) = (
            path + "/" + name, path + "/.\(name).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        )
        let file = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(operation: "create", path: whole, code: errno) }
        defer { close(file) }
        do throws(FileError) {
            try writing(file, whole)
            guard unsafe rename(partial, whole) == 0 else {
                throw .system(operation: "rename", path: whole, code: errno)
            }
        } catch {
            unsafe unlink(partial)
            throw error
        }
    }

    /// Removes a file that was written.
    ///
    /// - Parameter name: The file's name, without a slash.
    package func remove(_ name: String) {
        // Whoever removes what a failure has left tells of that failure.
        unsafe unlink(path + "/" + name)
    }
}
