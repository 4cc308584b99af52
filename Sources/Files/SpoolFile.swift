import Glibc
package import Memory

/// A temporary file that bytes are written to once and read from afterwards.
///
/// The file never has a name, so that nothing is left behind, however the process ends.
@safe
package final class SpoolFile {
    private let descriptor: Int32
    private let directory: String
    private let budget: ByteBudget
    private var byteCount = 0

    /// - Parameters:
    ///   - directory: An existing directory, on whose disk the file takes space.
    ///   - budget: The budget that the file's bytes are taken from for as long as the file lives.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package init(directory: String, budget: ByteBudget = .spool) throws(FileError) {
        self.directory = directory
        self.budget = budget
        // O_TMPFILE is a macro of several flags, which Swift does not see: 020000000 | O_DIRECTORY.
        let temporary = 0o20_000_000 | O_DIRECTORY
        let nameless = unsafe open(directory, temporary | O_RDWR | O_CLOEXEC, 0o600)
        if nameless >= 0 {
            descriptor = nameless
            return
        }
        // Some file systems (NFS, old overlays) have no files without a name: one is made there, and loses its name.
        var template = Array((directory + "/segscore-spool-XXXXXX").utf8CString)
        let named = unsafe template.withUnsafeMutableBufferPointer { name -> Int32 in
            guard let path = name.baseAddress else { return -1 }
            let made = unsafe mkstemp(path)
            if made >= 0 { unsafe unlink(path) }
            return made
        }
        guard named >= 0 else { throw .system(operation: "create a file in", path: directory, code: errno) }
        descriptor = named
    }

    deinit {
        close(descriptor)
        budget.release(byteCount)
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENOSPC` if the disk is full or the file would be
    ///   larger than the whole budget; ``FileError/spoolBudget(limit:)`` if other files leave it no room.
    package func append(_ bytes: borrowing Span<UInt8>) throws(FileError) {
        guard budget.reserve(bytes.count) else {
            let limit = budget.limit
            guard byteCount <= limit - bytes.count else {
                throw .system(operation: "write to a file in", path: directory, code: ENOSPC)
            }
            throw .spoolBudget(limit: limit)
        }
        let end = byteCount
        byteCount += bytes.count
        try unsafe bytes.withUnsafeBytes { (source) throws(FileError) in
            try unsafe FileBytes.write(source, to: descriptor, at: end, operation: "write to a file in", directory)
        }
    }

    /// Opens the file for reading, with all that was written to it.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    package func reader() throws(FileError) -> InputFile {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system(operation: "open a file in", path: directory, code: errno) }
        return try InputFile(owning: copy, path: directory)
    }
}
