import WebService

/// The value of a parameter: a boolean, a number or a string.
enum ParameterValue: Decodable, Sendable {
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case null
    /// A list or an object. The protocol allows neither.
    case other

    var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let boolean = try? value.decode(Bool.self) {
            self = .boolean(boolean)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else {
            self = .other
        }
    }

    /// The value as the query of a scoring request would have it.
    ///
    /// - Throws: A 400 problem for a list, an object or null.
    func text(_ name: String) throws(Problem) -> String {
        switch self {
        case .boolean(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .string(let value): return value
        case .null, .other:
            throw .invalidParameter(
                name, expected: "a boolean, a number or a string", actual: "a list or an object")
        }
    }

    /// The value as a boolean.
    ///
    /// - Throws: A 400 problem if it is something else.
    func boolean(_ name: String) throws(Problem) -> Bool {
        guard case .boolean(let value) = self else {
            throw .invalidParameter(name, expected: "true or false", actual: try text(name))
        }
        return value
    }

    /// The value as a string.
    ///
    /// - Throws: A 400 problem if it is something else.
    func string(_ name: String) throws(Problem) -> String {
        guard case .string(let value) = self else {
            throw .invalidParameter(name, expected: "a string", actual: try text(name))
        }
        return value
    }

    /// The value as a number of bytes.
    ///
    /// - Throws: A 400 problem if it is something else, or negative.
    func count(_ name: String) throws(Problem) -> Int {
        guard case .integer(let value) = self, let count = Int(exactly: value), count >= 0 else {
            throw .invalidParameter(name, expected: "a whole number of at least 0", actual: try text(name))
        }
        return count
    }
}
