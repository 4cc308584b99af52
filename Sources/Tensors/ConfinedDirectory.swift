private import CLinux
import Glibc

/// A directory in which files are read and written by names from outside, and nothing that is not beneath it.
///
/// The kernel sees to that while it follows a path (`openat2` with `RESOLVE_BENEATH`), so that no link which is put there in the
/// meantime leads out.
package final class ConfinedDirectory: Sendable {
    private let descriptor: Int32

    /// - Throws: ``TensorError/system(operation:path:code:)``; with `ENOSYS` or `EPERM` where the kernel, or the container,
    ///   cannot confine paths.
    package init(path: String) throws(TensorError) {
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
    ///   - name: Names the file in errors too.
    /// - Throws: ``TensorError/system(operation:path:code:)``: with `EXDEV` for a path that leads out, with `ENODEV` for what
    ///   is no regular file.
    package func open(_ name: String) throws(TensorError) -> InputFile {
        // Without O_NONBLOCK the opening of a pipe waits for a writer.
        let file = unsafe segscore_open_beneath(descriptor, name, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw .system(operation: "open", path: name, code: errno) }
        return try InputFile(owning: file, path: name)
    }

    /// The names in a directory beneath; none where there is no such directory.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``: with `EXDEV` for a path that leads out.
    package func names(in name: String) throws(TensorError) -> [String] {
        let descriptor = unsafe segscore_open_beneath(self.descriptor, name, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw .system(operation: "open", path: name, code: errno)
        }
        guard let stream = unsafe fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw .system(operation: "read", path: name, code: code)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let entryName = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if entryName != "." && entryName != ".." { names.append(entryName) }
        }
        return names
    }

    /// Removes a file beneath, if it is there. What is no file, or lies behind a link, stays.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package func remove(_ name: String) throws(TensorError) {
        try withDirectory(of: name) { (directory, last) throws(TensorError) in
            guard unsafe unlinkat(directory, last, 0) == 0 || errno == ENOENT || errno == EISDIR else {
                throw .system(operation: "remove", path: name, code: errno)
            }
        }
    }

    /// Puts on the disk which files a directory beneath has.
    ///
    /// - Throws: ``TensorError/system(operation:path:code:)``.
    package func sync(_ name: String) throws(TensorError) {
        let descriptor = unsafe segscore_open_beneath(self.descriptor, name, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw .system(operation: "open", path: name, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(operation: "sync", path: name, code: errno) }
    }

    private func withDirectory(
        of name: String, _ body: (Int32, String) throws(TensorError) -> Void
    ) throws(TensorError) {
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

    /// Writes a file as a whole, in place of one of the same name. Directories on its way are made, and synced. Its bytes are on the disk when this
    /// returns, but for the file's name; ``sync(_:)`` sees to that.
    ///
    /// - Parameters:
    ///   - name: Names the file in errors too.
    ///   - pieces: The bytes of the file.
    /// - Throws: ``TensorError/system(operation:path:code:)``: with `EXDEV` for a path that leads out. Nothing of the file stays
    ///   then.
    package func write(_ name: String, _ pieces: [(owner: any StableBytes, range: Range<Int>)]) throws(TensorError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let last = parts.last, !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw .system(operation: "write to", path: name, code: EXDEV)
        }
        let directory = try makeDirectory(parts.dropLast(), name)
        defer { close(directory) }
        // Of its own, for others may write the same file.
        let partial = ".\(last).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        let file = unsafe openat(directory, partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(operation: "create", path: name, code: errno) }
        defer { close(file) }
        do throws(TensorError) {
            var end = 0
            for (owner, range) in pieces {
                try unsafe FileBytes.write(
                    UnsafeRawBufferPointer(rebasing: owner.stableBytes[range]), to: file, at: end, name)
                end += range.count
            }
            guard fsync(file) == 0 else { throw .system(operation: "sync", path: name, code: errno) }
            guard unsafe renameat(directory, partial, directory, last) == 0 else {
                throw .system(operation: "rename", path: name, code: errno)
            }
        } catch {
            unsafe unlinkat(directory, partial, 0)
            throw error
        }
    }

    /// Opens a directory beneath, and makes what is missing of its path.
    private func makeDirectory(_ parts: some Collection<String>, _ name: String) throws(TensorError) -> Int32 {
        var path = "."
        var current = unsafe segscore_open_beneath(descriptor, path, O_RDONLY | O_DIRECTORY)
        for part in parts {
            guard current >= 0 else { break }
            var code = unsafe mkdirat(current, part, 0o777) == 0 ? 0 : errno
            // The name of a new one is on the disk before anything is in it.
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
