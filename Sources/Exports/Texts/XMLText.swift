/// Parts of XML documents.
enum XMLText {
    static let declaration = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"

    /// A value as it stands in an attribute, between double quotes, or in an element.
    ///
    /// Characters that XML 1.0 has no way to write become U+FFFD. Line ends and tabs are written as references, because
    /// a reader makes blanks of them otherwise (section 3.3.3).
    static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\t", "\n", "\r": text += "&#\(scalar.value);"
            case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
