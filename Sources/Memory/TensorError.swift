/// What can go wrong with shapes, memory and files, before any value of an array is looked at.
package enum TensorError: Error, Equatable {
    case negativeExtent(shape: [Int])
    case tooLarge(shape: [Int])
    case outOfMemory(byteCount: Int)
    /// All spool files together take as many bytes as they may.
    case spoolBudget(limit: Int)
    /// A file has become shorter while it was read.
    case endOfFile(path: String)
    /// A file that the program wrote does not hold what was written to it.
    case damaged(path: String)
    /// A system call failed; `code` is its `errno`.
    case system(operation: String, path: String, code: Int32)
}
