import Memory

extension ElementType {
    private static let isLittleEndian = 1.littleEndian == 1

    /// Reads NumPy's notation, `<f4` and the like, and what else `numpy.dtype` takes for the same: a type's letter,
    /// `<f`, or its name, `float32`. Nil if the text means another type.
    ///
    /// As in NumPy, a byte order that is `=`, `|` or missing is that of this machine. Names have no byte order.
    ///
    /// `<V2` is bfloat16: NumPy writes so for `ml_dtypes`, whose only type of two bytes that is. NumPy's own two bytes of
    /// no type, `|V2`, can mean anything.
    init?(descr: String) {
        let order = descr.first.flatMap { "<>=|".contains($0) ? $0 : nil }
        let name = order == nil ? descr[...] : descr.dropFirst()
        guard
            let scalar = Scalar.allCases.first(where: { scalar in
                scalar.descr == name || scalar.letters.contains { name == String($0) }
                    || (order == nil && (scalar.rawValue == name || scalar.names.contains(String(name))))
            })
        else { return nil }
        guard scalar != .bfloat16 || order == "<" || order == ">" || descr == scalar.rawValue else { return nil }
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
        case .bfloat16: "V2"
        case .float32: "f4"
        case .float64: "f8"
        }
    }

    /// NumPy's letters for the type, on machines whose long has 64 bits.
    fileprivate var letters: String {
        switch self {
        case .bool: "?"
        case .int8: "b"
        case .int16: "h"
        case .int32: "i"
        case .int64: "lqpn"
        case .uint8: "B"
        case .uint16: "H"
        case .uint32: "I"
        case .uint64: "LQPN"
        case .float16: "e"
        case .bfloat16: ""
        case .float32: "f"
        case .float64: "d"
        }
    }

    /// NumPy's other names for the type, beside the one that says its size.
    fileprivate var names: [String] {
        switch self {
        case .bool: ["bool_"]
        case .int8: ["byte"]
        case .int16: ["short"]
        case .int32: ["intc"]
        case .int64: ["int", "int_", "intp", "long", "longlong"]
        case .uint8: ["ubyte"]
        case .uint16: ["ushort"]
        case .uint32: ["uintc"]
        case .uint64: ["uint", "uintp", "ulong", "ulonglong"]
        case .float16: ["half"]
        case .bfloat16: []
        case .float32: ["single"]
        case .float64: ["double", "float"]
        }
    }
}
