/// Writes the lines of Prometheus' text format, version 0.0.4.
///
/// - SeeAlso: prometheus/docs `content/docs/instrumenting/exposition_formats.md`.
struct TextWriter {
    private(set) var bytes: [UInt8] = []

    /// Begins the lines of one name, with what it means and what kind it is of.
    mutating func begin(_ name: String, _ kind: MetricKind, help: String?) {
        if let help {
            // Unlike in the values of labels, quotes stand for themselves here.
            let text = help.replacing("\\", with: #"\\"#).replacing("\n", with: #"\n"#)
            line("# HELP \(name) \(text)")
        }
        line("# TYPE \(name) \(kind.rawValue)")
    }

    mutating func sample(_ name: String, _ labels: LabelSet, _ value: String) {
        line(labels.text.isEmpty ? "\(name) \(value)" : "\(name){\(labels.text)} \(value)")
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A number as text that reads back as the same float64; whole numbers have no point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Up to 2^53 every whole number is a float64.
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return "\(whole)" }
        return "\(value)"
    }
}
