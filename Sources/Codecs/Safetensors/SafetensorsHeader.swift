/// What a safetensors file says of its tensors ahead of their elements.
package struct SafetensorsHeader: Equatable, Sendable {
    /// The tensors in the order of their elements, which follow one another without a gap.
    package let entries: [SafetensorsEntry]

    /// The size of the header, which is the place of the first element in the file, in bytes.
    package let byteCount: Int

    /// The size of the whole file, in bytes.
    package let fileByteCount: Int

    /// - Parameters:
    ///   - entries: The tensors in any order.
    /// - Throws: ``CodecError/tensorPlace(name:expected:actual:)`` if elements of two tensors overlap or leave a gap.
    init(_ entries: [SafetensorsEntry], byteCount: Int) throws(CodecError) {
        // Tensors without elements may share their place with the one that follows.
        self.entries = entries.sorted { a, b in
            (a.bytes.lowerBound, a.bytes.upperBound) < (b.bytes.lowerBound, b.bytes.upperBound)
        }
        self.byteCount = byteCount
        var end = 0
        for entry in self.entries {
            guard entry.bytes.lowerBound == end else {
                throw .tensorPlace(name: entry.name, expected: end, actual: entry.bytes.lowerBound)
            }
            end = entry.bytes.upperBound
        }
        let (total, overflow) = byteCount.addingReportingOverflow(end)
        guard !overflow else { throw .tooLarge(limit: .max) }
        fileByteCount = total
    }
}
