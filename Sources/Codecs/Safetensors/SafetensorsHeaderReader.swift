/// Gathers the header of a safetensors file: everything up to the first element.
package struct SafetensorsHeaderReader: HeaderReader {
    /// The most bytes that a header's text may have. The format allows 100 MB, which only models of very many tensors
    /// need.
    package static let textLimit = 64 << 10

    /// The size of the number that says how long the text is, in bytes.
    private static let prefixByteCount = 8

    /// How many bytes ``begins(_:)`` looks at.
    package static let beginningByteCount = prefixByteCount + 1

    private var gathered = HeaderBytes(needed: SafetensorsHeaderReader.prefixByteCount)
    private var knowsSize = false

    /// What the header says, once it is complete.
    package private(set) var header: SafetensorsHeader?

    package init() {}

    /// Whether a file begins as safetensors files do: with a number far below 2³², of eight bytes, and a brace. No
    /// other file with arrays has zeros there.
    ///
    /// - Parameters:
    ///   - bytes: The first ``beginningByteCount`` bytes of the file, or fewer if it has no more.
    package static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.count >= beginningByteCount && bytes[4..<prefixByteCount].allSatisfy { $0 == 0 }
            && bytes[prefixByteCount] == UInt8(ascii: "{")
    }

    /// Takes bytes up to the end of the header.
    ///
    /// - Returns: How many bytes of `input` belong to the header: all of them, unless ``header`` is known now.
    /// - Throws: `safetensors…`, `tensor…` or ``CodecError/shape(_:)``.
    package mutating func read(_ input: borrowing Span<UInt8>) throws(CodecError) -> Int {
        var position = 0
        while header == nil, gathered.take(input, from: &position) { try advance() }
        return position
    }

    /// Fails unless the header is complete.
    ///
    /// - Throws: ``CodecError/truncated(expected:actual:)``.
    package func finish() throws(CodecError) {
        guard header == nil else { return }
        throw .truncated(expected: gathered.needed, actual: gathered.bytes.count)
    }

    private mutating func advance() throws(CodecError) {
        guard knowsSize else {
            let count = gathered.bytes.integer(at: 0, as: UInt64.self)
            guard count <= UInt64(Self.textLimit) else {
                throw .safetensorsHeaderTooLong(count, limit: Self.textLimit)
            }
            knowsSize = true
            gathered.needed += Int(count)
            return
        }
        var parser = SafetensorsHeaderParser(gathered.bytes[Self.prefixByteCount...])
        header = try SafetensorsHeader(parser.parse(), byteCount: gathered.needed)
        gathered.forget()
    }
}
