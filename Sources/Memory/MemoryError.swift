/// What can go wrong with shapes and memory, before any value of an array is looked at.
package enum MemoryError: Error, Equatable {
    case negativeExtent(shape: [Int])
    case tooLarge(shape: [Int])
    case outOfMemory(byteCount: Int)
}
