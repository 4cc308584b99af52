import Glibc

/// Reads the entries of open directories.
enum DirectoryReader {
    /// Calls `body` with each entry of the directory at a path.
    static func read(
        folderAt path: String, _ body: (DirectoryEntry) throws(FileError) -> Void
    ) throws(FileError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        try read(owning: descriptor, path: path, body)
    }

    /// Calls `body` with each entry of an open directory, but for itself and the one above.
    ///
    /// - Parameters:
    ///   - descriptor: The open directory, which is closed when this returns.
    ///   - path: Names the directory in errors.
    static func read(
        owning descriptor: Int32, path: String, _ body: (DirectoryEntry) throws(FileError) -> Void
    ) throws(FileError) {
        guard let stream = unsafe fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw .system(operation: "read", path: path, code: code)
        }
        defer { unsafe closedir(stream) }
        while true {
            // The end and an error differ in this alone.
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw .system(operation: "read", path: path, code: errno) }
                return
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            let type = unsafe entry.pointee.d_type
            try body(DirectoryEntry(name: name, kind: kind(type, of: name, in: descriptor)))
        }
    }

    /// The kind of an entry, which some file systems do not tell together with its name.
    private static func kind(_ type: UInt8, of name: String, in directory: Int32) -> DirectoryEntry.Kind {
        switch Int(type) {
        case DT_REG: return .file
        case DT_DIR: return .folder
        case DT_LNK: return .link
        case DT_UNKNOWN:
            var status = stat()
            guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .other }
            switch status.st_mode & S_IFMT {
            case S_IFREG: return .file
            case S_IFDIR: return .folder
            case S_IFLNK: return .link
            default: return .other
            }
        default: return .other
        }
    }
}
