/// What an ``InputFile`` reads.
protocol ByteSource: Sendable {
    /// Reads some bytes.
    ///
    /// - Parameters:
    ///   - bytes: Takes what is read, at least one byte.
    ///   - position: The place of the first byte, at least 0.
    /// - Returns: How many bytes were read; 0 at the end.
    /// - Throws: ``FileError/system(operation:path:code:)`` or ``FileError/clientMemory(code:)``.
    func read(into bytes: UnsafeMutableRawBufferPointer, from position: Int) throws(FileError) -> Int
}
