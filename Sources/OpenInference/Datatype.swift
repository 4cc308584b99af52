import Memory
import Scoring

/// The element types of the protocol, by their names on the wire.
enum Datatype: String, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case float16 = "FP16"
    case bfloat16 = "BF16"
    case float32 = "FP32"
    case float64 = "FP64"

    /// The datatype of elements.
    init(_ scalar: ElementType.Scalar) {
        guard let datatype = Self.allCases.first(where: { $0.scalar == scalar }) else {
            preconditionFailure("all types of elements have names")
        }
        self = datatype
    }

    /// The type of the elements.
    var scalar: ElementType.Scalar {
        switch self {
        case .bool: .bool
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float32: .float32
        case .float64: .float64
        }
    }

    /// The size of one element on the wire, in bytes.
    var byteCount: Int { scalar.byteCount }

    /// The name in a model's configuration.
    var configurationName: String { "TYPE_" + rawValue }

    /// The datatypes that an input may have.
    static func allowed(for input: ScoringError.Array) -> [Datatype] {
        allCases.filter { $0.scalar.isFloatingPoint == (input != .labels && input != .predicted) }
    }
}
