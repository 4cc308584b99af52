import Tensors

extension ElementType {
    private static let isLittleEndian = 1.littleEndian == 1

    /// Reads NumPy's notation, `<f4` and the like; nil where it means another type.
    ///
    /// An order that is `=`, `|` or missing is that of this machine, as in NumPy.
    init?(descr: String) {
        let order = descr.first.flatMap { "<>=|".contains($0) ? $0 : nil }
        let name = order == nil ? descr[...] : descr.dropFirst()
        guard let scalar = Scalar.allCases.first(where: { $0.descr == name }) else { return nil }
        let isByteSwapped =
            switch order {
            case "<": !Self.isLittleEndian
            case ">": Self.isLittleEndian
            default: false
            }
        self.init(scalar, isByteSwapped: isByteSwapped)
    }

    /// NumPy's notation, with the byte order.
    var descr: String {
        let order = scalar.byteCount == 1 ? "|" : Self.isLittleEndian != isByteSwapped ? "<" : ">"
        return order + scalar.descr
    }
}

extension ElementType.Scalar {
    /// NumPy's notation: kind and size in bytes.
    fileprivate var descr: String {
        switch self {
        case .bool: "b1"
        case .int8: "i1"
        case .int16: "i2"
        case .int32: "i4"
        case .int64: "i8"
        case .uint8: "u1"
        case .uint16: "u2"
        case .uint32: "u4"
        case .uint64: "u8"
        case .float16: "f2"
        case .float32: "f4"
        case .float64: "f8"
        }
    }
}
