/// Gathers the header of a file of arrays: everything up to the first element.
package protocol HeaderReader {
    /// The most bytes that a header's text may have.
    static var textLimit: Int { get }

    init()

    /// Takes bytes up to the end of the header.
    ///
    /// - Returns: How many bytes of `input` belong to the header: all of them, unless it is complete now.
    /// - Throws: What is wrong with the header.
    mutating func read(_ input: borrowing Span<UInt8>) throws(CodecError) -> Int

    /// Fails unless the header is complete.
    func finish() throws(CodecError)
}

/// The bytes of a header as far as they have come, while each part of it tells how long the next one is.
struct HeaderBytes {
    private(set) var bytes: [UInt8] = []
    /// How many bytes there have to be before more of the header is understood.
    var needed: Int

    init(needed: Int) {
        self.needed = needed
    }

    /// Takes bytes up to ``needed``.
    ///
    /// - Parameters:
    ///   - position: The place in `input` to go on from, which moves behind the last byte that is taken.
    /// - Returns: Whether there are as many as are needed.
    mutating func take(_ input: borrowing Span<UInt8>, from position: inout Int) -> Bool {
        let end = position + min(needed - bytes.count, input.count - position)
        while position < end {
            bytes.append(input[position])
            position += 1
        }
        return bytes.count == needed
    }

    /// Forgets the bytes, which have been understood, and not how many they were.
    mutating func forget() {
        bytes = []
    }
}
