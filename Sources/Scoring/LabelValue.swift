/// A label as it came, if it cannot be kept as a class.
package enum LabelValue: Codable, Equatable, Sendable, CustomStringConvertible {
    case integer(Int64)
    /// A whole number above the largest `Int64`.
    case unsigned(UInt64)
    /// A number that is not whole, not finite, or beyond every integer.
    case real(Double)

    /// The value of a float, as an integer if it is one.
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
