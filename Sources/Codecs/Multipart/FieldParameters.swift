/// A field value of the form `value; name=token; name="quoted"` (RFC 9110 5.6.6).
struct FieldParameters {
    /// The value before the first semicolon, in lower case.
    let value: String
    private var parameters: [String: String] = [:]

    /// Reads a field value; nil if the text is something else, or names a parameter twice.
    init?(_ text: String) {
        var rest = Substring(text)
        let head = rest.prefix { $0 != ";" }
        value = Self.trimmed(head).lowercased()
        rest = rest.dropFirst(head.count)
        while rest.popFirst() == ";" {
            rest = rest.drop(while: Self.isSpace)
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            // An empty parameter, as in `a; ;b=c`, is allowed.
            if Self.trimmed(name).isEmpty, rest.first != "=" { continue }
            guard rest.popFirst() == "=", let value = Self.takeValue(&rest) else { return nil }
            guard parameters.updateValue(value, forKey: Self.trimmed(name).lowercased()) == nil else { return nil }
            rest = rest.drop(while: Self.isSpace)
        }
        guard rest.isEmpty else { return nil }
    }

    /// - Parameter name: The parameter's name, in lower case.
    subscript(name: String) -> String? { parameters[name] }

    private static func takeValue(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else {
            let token = rest.prefix { $0 != ";" }
            rest = rest.dropFirst(token.count)
            return trimmed(token)
        }
        rest.removeFirst()
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"":
                return value
            // Only quotes and backslashes are escaped. Ahead of anything else a backslash stands for itself, as in file
            // names from Windows.
            case "\\" where rest.first == "\"" || rest.first == "\\":
                value.append(rest.removeFirst())
            default:
                value.append(character)
            }
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }

    private static func isSpace(_ character: Character) -> Bool {
        character == " " || character == "\t"
    }
}
