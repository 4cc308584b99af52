/// The labels of a metric, written as they stand between the braces.
struct LabelSet: Hashable, Comparable, Sendable {
    private(set) var text: String

    /// - Parameter dimensions: Names and values in any order; of two values for one name the first counts.
    init(_ dimensions: [(String, String)]) {
        let labels = Dictionary(
            dimensions.map { (Self.plainName($0, colons: false), $1) }, uniquingKeysWith: { first, _ in first })
        text = labels.sorted { $0.key < $1.key }.map(Self.label).joined(separator: ",")
    }

    /// The same labels and one more behind them.
    func adding(_ name: String, _ value: String) -> LabelSet {
        var result = self
        result.text += (text.isEmpty ? "" : ",") + Self.label(name, value)
        return result
    }

    static func < (a: LabelSet, b: LabelSet) -> Bool { a.text < b.text }

    private static func label(_ name: String, _ value: String) -> String {
        var text = name + "=\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += #"\\"#
            case "\"": text += #"\""#
            case "\n": text += #"\n"#
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// A name with an underscore in place of each character that a name may not have.
    ///
    /// - Parameter colons: Whether the name may have colons, as those of metrics do and those of labels do not.
    static func plainName(_ name: String, colons: Bool) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
            case "0"..."9" where !result.isEmpty: result.unicodeScalars.append(scalar)
            case ":" where colons: result.unicodeScalars.append(scalar)
            default: result += "_"
            }
        }
        return result.isEmpty ? "_" : result
    }
}
