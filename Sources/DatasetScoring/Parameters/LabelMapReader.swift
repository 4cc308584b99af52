import Scoring
import WebService

/// Reads a `label_map` that is a JSON object, `{"7": 0, "255": null}`.
///
/// It is no general reader of JSON, because parameters are read by threads that serve connections, and because a value
/// that comes twice has to be found.
struct LabelMapReader {
    /// The most values that a map may name. A form's text part and a value in JSON have room for as many.
    private static let limit = 4096

    private let text: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.text = Array(text.utf8)
    }

    /// Reads the whole text. A class that is null or negative stands for pixels that take no part.
    ///
    /// - Throws: A 400 problem for any other text, a value that comes twice, a class beyond 65,534, and too many values.
    mutating func read() throws(Problem) -> [Int64: LabelRule.Meaning] {
        var meanings: [Int64: LabelRule.Meaning] = [:]
        try take("{")
        repeat {
            try take("\"")
            let value = try number(upTo: "\"", "The value", "a whole number in quotes")
            try take("\"")
            try take(":")
            guard meanings.updateValue(try meaning(of: value), forKey: value) == nil else {
                throw problem("label_map names \(value) more than once.", expected: "each value once", "\(value)")
            }
            guard meanings.count <= Self.limit else {
                throw problem("label_map names too many values.", expected: "at most \(Self.limit)", "more")
            }
        } while next() == UInt8(ascii: ",") && skip()
        try take("}")
        guard next() == nil else { throw malformed }
        return meanings
    }

    private mutating func meaning(of value: Int64) throws(Problem) -> LabelRule.Meaning {
        let expected = "a class from 0 to \(ScoringShape.classLimit - 1), or null for pixels that take no part"
        _ = next()
        if text[position...].starts(with: "null".utf8) {
            position += 4
            return .ignored
        }
        let index = try number(upTo: ",} \t\r\n", "The class of \(value)", expected)
        guard index < ScoringShape.classLimit else {
            throw problem("label_map makes class \(index) of \(value).", expected: expected, "\(index)")
        }
        return index < 0 ? .ignored : .classIndex(Int(index))
    }

    /// Reads a whole number that ends ahead of certain characters.
    private mutating func number(
        upTo ends: String, _ subject: String, _ expected: String
    ) throws(Problem) -> Int64 {
        let end = text[position...].firstIndex { ends.utf8.contains($0) } ?? text.endIndex
        let word = String(decoding: text[position..<end], as: UTF8.self)
        position = end
        guard let number = Int64(word) else {
            throw problem("\(subject) in label_map is no whole number: \(word).", expected: expected, word)
        }
        return number
    }

    /// The next byte that is no blank.
    private mutating func next() -> UInt8? {
        while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
        return position < text.count ? text[position] : nil
    }

    private mutating func skip() -> Bool {
        position += 1
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) throws(Problem) {
        guard next() == UInt8(ascii: character) else { throw malformed }
        position += 1
    }

    private var malformed: Problem {
        let rest = String(decoding: text[min(position, text.count)...].prefix(20), as: UTF8.self)
        return problem(
            "label_map cannot be read at character \(position).", expected: "{\"value\": class, …}",
            rest.isEmpty ? "the end" : rest)
    }

    private func problem(_ detail: String, expected: String, _ actual: String) -> Problem {
        Problem(.invalidParameter, detail, parameter: "label_map", expected: expected, actual: actual)
    }
}
