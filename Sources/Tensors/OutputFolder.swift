import Glibc

/// A directory that files are written into by whoever may write anywhere: the program's own user, not a request.
package struct OutputFolder {
    private let path: String

    /// Makes the directory, and those on its way, where they are not there.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package init(path: String) throws(TensorError) {
        self.path = path
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard unsafe mkdir(made, 0o777) != 0, errno != EEXIST else { continue }
            // Where it may not be made it may be there all the same, on a disk that is only read.
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
    ///   - name: Without a slash.
    ///   - pieces: The bytes of the file.
    /// - Throws: ``TensorError/system(operation:path:code:)``. Nothing of the file stays then.
    package func write(_ name: String, _ pieces: [(owner: any StableBytes, range: Range<Int>)]) throws(TensorError) {
        let (whole, partial) = (
            path + "/" + name, path + "/.\(name).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        )
        let file = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(operation: "create", path: whole, code: errno) }
        defer { close(file) }
        do throws(TensorError) {
            var end = 0
            for (owner, range) in pieces {
                try unsafe FileBytes.write(
                    UnsafeRawBufferPointer(rebasing: owner.stableBytes[range]), to: file, at: end, whole)
                end += range.count
            }
            guard unsafe rename(partial, whole) == 0 else {
                throw .system(operation: "rename", path: whole, code: errno)
            }
        } catch {
            unsafe unlink(partial)
            throw error
        }
    }
}
