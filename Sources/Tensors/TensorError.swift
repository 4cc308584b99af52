/// What can go wrong with memory and shapes, before any value is looked at.
package enum TensorError: Error, Equatable {
    case negativeExtent(shape: [Int])
    case tooLarge(shape: [Int])
    case outOfMemory(byteCount: Int)
    /// Spool files take as much as they may together, in bytes.
    case spoolBudget(limit: Int)
    /// A file has become shorter while it was read.
    case endOfFile(path: String)
    /// A file of ours does not hold what was written to it.
    case damaged(path: String)
    /// A system call failed; `code` is its `errno`.
    case system(operation: String, path: String, code: Int32)
}
