import Foundation
import Logging

/// One line of the log.
///
/// Names that clients make up get into lines. So characters that end a line, move the cursor of a terminal, cannot be
/// seen or turn the direction of reading are written as escapes: control and format characters, and Unicode's
/// separators of lines and paragraphs.
struct LogLine {
    var time = Date()
    let level: Logger.Level
    let label: String
    let source: String
    let message: String
    var metadata: Logger.Metadata = [:]

    /// The line in a format, with the line feed that ends it.
    func bytes(_ format: LogFormat) -> [UInt8] {
        switch format {
        case .text: Array(text.utf8)
        case .json: Array(json.utf8)
        }
    }

    private var timestamp: String { time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }

    private var text: String {
        let members = metadata.sorted { $0.key < $1.key }.map { " \($0.key.onOneLine)=\("\($0.value)".onOneLine)" }
        return "\(timestamp) \(level) \(label):\(members.joined()) [\(source)] \(message.onOneLine)\n"
    }

    private var json: String {
        var members = metadata.mapValues { "\($0)" }
        members["time"] = timestamp
        members["level"] = level.rawValue
        members["logger"] = label
        members["message"] = message
        let written = members.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
        return "{\(written.joined(separator: ","))}\n"
    }

    /// A JSON string (RFC 8259, section 7).
    private static func quoted(_ string: String) -> String {
        let escaped = string.escaping({ $0 == "\"" || $0 == "\\" || $0.isUnfitForLines }) { scalar in
            if scalar == "\"" || scalar == "\\" { return "\\\(scalar)" }
            // A character beyond U+FFFF is written as two UTF-16 units.
            return scalar.utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }.joined()
        }
        return "\"\(escaped)\""
    }
}

extension String {
    /// The string in a form that may stand in a line which people read, even if a client made it up.
    var onOneLine: String { escaping(\.isUnfitForLines) { "\\u{" + String($0.value, radix: 16) + "}" } }

    /// The string with its characters written by `escape` if `isEscaped` says so.
    fileprivate func escaping(
        _ isEscaped: (Unicode.Scalar) -> Bool, as escape: (Unicode.Scalar) -> String
    ) -> String {
        guard unicodeScalars.contains(where: isEscaped) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if isEscaped(scalar) { result += escape(scalar) } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether a line of text that holds it may look like another one.
    fileprivate var isUnfitForLines: Bool {
        if isASCII { return value < 0x20 || value == 0x7F }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
