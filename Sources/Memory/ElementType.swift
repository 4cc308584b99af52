/// How one element of an array is stored: its scalar type and its byte order.
package struct ElementType: Equatable, Sendable {
    /// The scalar types that labels, probabilities and scores come in, in NumPy's names and in that of `ml_dtypes`.
    package enum Scalar: String, CaseIterable, Sendable {
        case bool
        case int8, int16, int32, int64
        case uint8, uint16, uint32, uint64
        case float16, bfloat16, float32, float64
    }

    package let scalar: Scalar

    /// Whether the bytes of an element stand in the order that this machine does not use.
    package let isByteSwapped: Bool

    /// - Parameter isByteSwapped: Whether the bytes of an element stand in the other order. For elements of one byte it
    ///   means nothing and is taken as false.
    package init(_ scalar: Scalar, isByteSwapped: Bool = false) {
        self.scalar = scalar
        self.isByteSwapped = isByteSwapped && scalar.byteCount > 1
    }
}

extension ElementType.Scalar {
    /// The size of one element, in bytes.
    package var byteCount: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }

    package var isFloatingPoint: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: false
        }
    }
}
