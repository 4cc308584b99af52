package import Memory

/// What can go wrong with files.
package enum FileError: Error, Equatable {
    /// There is no memory for what is read.
    case memory(MemoryError)
    /// All spool files together take as many bytes as they may.
    case spoolBudget(limit: Int)
    /// A file has become shorter while it was read.
    case endOfFile(path: String)
    /// A file that the program wrote does not hold what was written to it.
    case damaged(path: String)
    /// A client's process does not let its memory, or its open files, be read; `code` is the `errno`.
    case clientMemory(code: Int32)
    /// A system call failed; `code` is its `errno`.
    case system(operation: String, path: String, code: Int32)
}

extension FileError {
    /// Does what may find no memory, as a part of what is done with a file.
    ///
    /// - Throws: ``memory(_:)`` with what `body` throws.
    package static func wrapping<Result>(
        _ body: () throws(MemoryError) -> Result
    ) throws(FileError) -> Result {
        do throws(MemoryError) {
            return try body()
        } catch {
            throw .memory(error)
        }
    }

    /// Does what a client's process may refuse.
    ///
    /// - Throws: ``clientMemory(code:)`` with what `body` throws.
    package static func ofClient<Result>(
        _ body: () throws(ForeignProcess.Refusal) -> Result
    ) throws(FileError) -> Result {
        do throws(ForeignProcess.Refusal) {
            return try body()
        } catch {
            throw .clientMemory(code: error.code)
        }
    }
}
