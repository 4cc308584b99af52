/// A label as it came, where it is not one that can be kept as a class.
package enum LabelValue: Codable, Equatable, Sendable, CustomStringConvertible {
    case integer(Int64)
    /// Over the largest `Int64`.
    case unsigned(UInt64)
    /// Not a whole number, not finite, or beyond every integer.
    case real(Double)

    /// The value of a float, as an integer where it is one.
    init(_ value: Double) {
        if let whole = Int64(exactly: value) {
            self = .integer(whole)
        } else {
            self = .real(value)
        }
    }

    /// The value of an unsigned integer.
    init(_ value: UInt64) {
        if let small = Int64(exactly: value) {
            self = .integer(small)
        } else {
            self = .unsigned(value)
        }
    }

    package var description: String {
        switch self {
        case .integer(let value): value.description
        case .unsigned(let value): value.description
        case .real(let value): value.description
        }
    }
}
