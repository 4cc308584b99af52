extension [UInt8] {
    /// The integer whose bytes begin at the offset, the lowest first. All of its bytes have to be in the array.
    func integer<Integer: FixedWidthInteger & UnsignedInteger>(at offset: Int, as type: Integer.Type) -> Integer {
        let end = offset + MemoryLayout<Integer>.size
        return self[offset..<end].reversed().reduce(0) { $0 << 8 | Integer($1) }
    }

    /// Adds the bytes of integers, the lowest byte of each first.
    mutating func append<each Integer: FixedWidthInteger>(integers: repeat each Integer) {
        for integer in repeat each integers {
            for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
                append(UInt8(truncatingIfNeeded: integer >> shift))
            }
        }
    }
}
