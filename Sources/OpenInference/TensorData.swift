import HTTPTypes
import Scoring
import WebService

/// The elements of an input that stand in the JSON, one after the other or in nested lists. They are turned into the
/// bytes that would otherwise stand behind the JSON.
struct TensorData {
    private let array: ScoringError.Array
    private let datatype: Datatype
    private let count: Int
    private var bytes: [UInt8] = []

    /// The most levels of lists, which are more than any accepted shape has.
    private static let depthLimit = 8

    /// - Parameters:
    ///   - count: How many elements the shape has. No memory is taken for them in advance.
    init(_ array: ScoringError.Array, _ datatype: Datatype, count: Int) {
        self.array = array
        self.datatype = datatype
        self.count = count
    }

    /// Reads a list.
    ///
    /// - Throws: A 400 ``Problem`` for a value that is no element, or `DecodingError`.
    mutating func read(_ list: any UnkeyedDecodingContainer, depth: Int = 1) throws {
        guard depth <= Self.depthLimit else {
            throw problem("its lists are nested too deep", expected: "\(Self.depthLimit) levels")
        }
        var list = list
        guard !list.isAtEnd else { return }
        // The first element tells whether the list holds lists or numbers.
        if let inner = try? list.nestedUnkeyedContainer() {
            try read(inner, depth: depth + 1)
            while !list.isAtEnd { try read(try list.nestedUnkeyedContainer(), depth: depth + 1) }
        } else {
            while !list.isAtEnd { try append(&list) }
        }
    }

    /// The elements as bytes, little-endian.
    ///
    /// - Throws: A 400 problem if there are more or fewer elements than the shape has.
    func finish() throws(Problem) -> [UInt8] {
        guard bytes.count / datatype.byteCount == count else {
            throw Problem(
                .shapeMismatch, "The data of \(array.rawValue) does not match its shape.",
                parameter: array.rawValue, expected: "\(count) elements",
                actual: "\(bytes.count / datatype.byteCount) elements")
        }
        return bytes
    }

    private mutating func append(_ list: inout any UnkeyedDecodingContainer) throws {
        switch datatype {
        case .bool: bytes.append(try list.decode(Bool.self) ? 1 : 0)
        case .uint8: try append(try integer(&list) as UInt8)
        case .uint16: try append(try integer(&list) as UInt16)
        case .uint32: try append(try integer(&list) as UInt32)
        case .uint64: try append(try integer(&list) as UInt64)
        case .int8: try append(try integer(&list) as Int8)
        case .int16: try append(try integer(&list) as Int16)
        case .int32: try append(try integer(&list) as Int32)
        case .int64: try append(try integer(&list) as Int64)
        case .float16: try append(Float16(try list.decode(Double.self)).bitPattern)
        case .bfloat16: try append(Self.bfloat16(try list.decode(Double.self)))
        case .float32: try append(Float(try list.decode(Double.self)).bitPattern)
        case .float64: try append(try list.decode(Double.self).bitPattern)
        }
    }

    /// The bits of the bfloat16 next to a number; of two that are as near, those of the even one.
    private static func bfloat16(_ value: Double) -> UInt16 {
        // Rounded to float32 and then again, some numbers would become the neighbour of the nearest. So the first step
        // cuts digits off, and the last bit tells whether there were any.
        let nearest = Float(value)
        let cut = abs(Double(nearest)) > abs(value) ? nearest.bitPattern - 1 : nearest.bitPattern
        let bits = Double(nearest) == value ? cut : cut | 1
        return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }

    private mutating func append(_ value: some FixedWidthInteger) throws {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private func integer<Value: FixedWidthInteger & Decodable>(
        _ list: inout any UnkeyedDecodingContainer
    ) throws -> Value {
        if let value = try? list.decode(Value.self) { return value }
        let index = list.currentIndex
        let value = try list.decode(Double.self)
        throw problem(
            "element \(index) of a list is \(value)", expected: "whole numbers that \(datatype.rawValue) holds")
    }

    private func problem(_ detail: String, expected: String) -> Problem {
        Problem.malformedBody("The data of \(array.rawValue) cannot be read: \(detail).", expected: expected)
            .found(in: array)
    }
}
