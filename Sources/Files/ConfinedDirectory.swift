private import CLinux
import Glibc
package import Memory

/// A directory whose files are read and written by names that come from outside. No name leads to anything that is not
/// beneath the directory.
///
/// The kernel holds a path to that while it follows it (`openat2` with `RESOLVE_BENEATH`), so that not even a link
/// which is put on the path in the meantime leads out.
package final class ConfinedDirectory: ReadableDirectory {
    private let descriptor: Int32

    /// - Throws: ``FileError/system(operation:path:code:)``; with `ENOSYS` or `EPERM` if the kernel or the container
    ///   cannot confine paths.
    package init(path: String) throws(FileError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        self.descriptor = descriptor
        let probe = unsafe segscore_open_beneath(descriptor, ".", O_RDONLY | O_DIRECTORY)
        guard probe >= 0 else { throw .system(operation: "confine paths to", path: path, code: errno) }
        close(probe)
    }

    deinit {
        close(descriptor)
    }

    /// Opens a file for reading.
    ///
    /// - Parameters:
    ///   - name: The file's path beneath the directory; errors name the file by it.
    /// - Throws: ``FileError/system(operation:path:code:)``: with `EXDEV` for a path that leads out, with `ENODEV`
    ///   for what is no regular file.
    package func open(_ name: String) throws(FileError) -> InputFile {
        // Without O_NONBLOCK the opening of a pipe waits for a writer.
        let file = unsafe segscore_open_beneath(descriptor, name, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw .system(operation: "open", path: name, code: errno) }
        return try InputFile(owning: file, path: name)
    }

    /// The names in a directory beneath this one; empty if there is no such directory.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``: with `EXDEV` for a path that leads out.
    package func names(in name: String) throws(FileError) -> [String] {
        var names: [String] = []
        do throws(FileError) {
            try forEachEntry(of: name) { (entry) throws(FileError) in names.append(entry.name) }
        } catch {
            if case .system(_, _, let code) = error, code == ENOENT || code == ENOTDIR { return [] }
            throw error
        }
        return names
    }

    /// Calls `body` with each entry of a directory beneath this one.
    ///
    /// - Throws: What `body` throws; ``FileError/system(operation:path:code:)``: with `EXDEV` for a path that leads out.
    package func forEachEntry(
        of name: String, _ body: (DirectoryEntry) throws(FileError) -> Void
    ) throws(FileError) {
        let descriptor = unsafe segscore_open_beneath(self.descriptor, name, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw .system(operation: "open", path: name, code: errno) }
        try DirectoryReader.read(owning: descriptor, path: name, body)
    }

    /// Removes a file beneath the directory, if there is one. Whatever is no file, or lies behind a link, stays.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package func remove(_ name: String) throws(FileError) {
        try withDirectory(of: name) { (directory, last) throws(FileError) in
            guard unsafe unlinkat(directory, last, 0) == 0 || errno == ENOENT || errno == EISDIR else {
                throw .system(operation: "remove", path: name, code: errno)
            }
        }
    }

    /// Waits until the names of the files of a directory beneath this one are on the disk.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package func sync(_ name: String) throws(FileError) {
        let descriptor = unsafe segscore_open_beneath(self.descriptor, name, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw .system(operation: "open", path: name, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: name, code: errno) }
    }

    private func withDirectory(
        of name: String, _ body: (Int32, String) throws(FileError) -> Void
    ) throws(FileError) {
        let slash = name.lastIndex(of: "/")
        let parent = slash.map { String(name[..<$0]) } ?? "."
        let last = slash.map { String(name[name.index(after: $0)...]) } ?? name
        let directory = unsafe segscore_open_beneath(descriptor, parent, O_RDONLY | O_DIRECTORY)
        guard directory >= 0 else {
            if errno == ENOENT { return }
            throw .system(operation: "open the directory of", path: name, code: errno)
        }
        defer { close(directory) }
        try body(directory, last)
    }

    /// Writes a file as a whole, in place of one of the same name. Directories on its path are made, and are on the
    /// disk before the file.
    ///
    /// When this returns, the file's bytes are on the disk; for its name to be there too, ``sync(_:)`` has to be
    /// called.
    ///
    /// - Parameters:
    ///   - name: The file's path beneath the directory; errors name the file by it.
    ///   - pieces: The bytes of the file.
    /// - Throws: ``FileError/system(operation:path:code:)``: with `EXDEV` for a path that leads out. If this throws,
    ///   nothing of the file stays.
    package func write(_ name: String, _ pieces: [(owner: any StableBytes, range: Range<Int>)]) throws(FileError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let last = parts.last, !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw .system(operation: "write to", path: name, code: EXDEV)
        }
        let directory = try makeDirectory(parts.dropLast(), name)
        defer { close(directory) }
        // A name that nobody else has, since others may write the same file at the same time.
        let partial = ".\(last).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        let file = unsafe openat(directory, partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(operation: "create", path: name, code: errno) }
        defer { close(file) }
        do throws(FileError) {
            try FileBytes.write(pieces, to: file, name)
            guard fsync(file) == 0 else { throw .system(operation: "sync", path: name, code: errno) }
            guard unsafe renameat(directory, partial, directory, last) == 0 else {
                throw .system(operation: "rename", path: name, code: errno)
            }
        } catch {
            unsafe unlinkat(directory, partial, 0)
            throw error
        }
    }

    /// Opens a directory beneath this one, and makes the directories of its path that are missing.
    private func makeDirectory(_ parts: some Collection<String>, _ name: String) throws(FileError) -> Int32 {
        var path = "."
        var current = unsafe segscore_open_beneath(descriptor, path, O_RDONLY | O_DIRECTORY)
        for part in parts {
            guard current >= 0 else { break }
            var code = unsafe mkdirat(current, part, 0o777) == 0 ? 0 : errno
            // The name of a new directory has to be on the disk before anything is put into it.
            if code == 0, fsync(current) != 0 { code = errno }
            close(current)
            guard code == 0 || code == EEXIST else {
                throw .system(operation: "make a directory of", path: name, code: code)
            }
            path += "/" + part
            current = unsafe segscore_open_beneath(descriptor, path, O_RDONLY | O_DIRECTORY)
        }
        guard current >= 0 else { throw .system(operation: "open the directory of", path: name, code: errno) }
        return current
    }
}
