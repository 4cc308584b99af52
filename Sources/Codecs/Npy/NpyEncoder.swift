package import Memory

/// Encodes arrays as npy files.
package enum NpyEncoder {
    /// Makes the header of an npy file of version 1.0: everything before the array's elements.
    ///
    /// The elements, in the order and byte order that the layout states, make the rest of the file. As NumPy does, the
    /// header is padded to a multiple of 64 bytes, so that a mapped file has its elements aligned.
    ///
    /// - Parameter layout: A layout of at most 64 dimensions, which is the most that NumPy reads.
    /// - SeeAlso: numpy/numpy `numpy/lib/_format_impl.py`.
    package static func header(for layout: TensorLayout) -> [UInt8] {
        precondition(layout.shape.count <= 64)
        let extents = layout.shape.map(String.init).joined(separator: ", ")
        let shape = layout.shape.count == 1 ? "(\(extents),)" : "(\(extents))"
        let order = layout.order == .fortran ? "True" : "False"
        let dict = "{'descr': '\(layout.elementType.descr)', 'fortran_order': \(order), 'shape': \(shape), }"

        let prefixCount = 10
        let byteCount = (prefixCount + dict.utf8.count + 1 + 63) / 64 * 64
        let textCount = byteCount - prefixCount
        var header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(textCount & 0xFF), UInt8(textCount >> 8)]
        header.reserveCapacity(byteCount)
        header += dict.utf8
        header += repeatElement(UInt8(ascii: " "), count: byteCount - header.count - 1)
        header.append(UInt8(ascii: "\n"))
        return header
    }
}
