import Foundation
import HTTPTypes
import Scoring

/// Named values as a request gives them: in its query, as JSON members, or as text parts of a form.
package struct Parameters {
    /// The names that the request may use.
    package private(set) var known: [String]
    private var values: [String: String]

    /// Creates parameters.
    ///
    /// - Parameters:
    ///   - known: The names that may be used.
    ///   - values: Values by their names, each of which is known.
    package init(known: [String], values: [String: String] = [:]) {
        self.known = known
        self.values = values
    }

    /// Creates parameters from values whose names have to be checked.
    ///
    /// - Throws: A 400 problem for a name that is unknown.
    package init(_ values: [String: String], known: [String]) throws(Problem) {
        self.init(known: known)
        for (name, value) in values { try set(name, value) }
    }

    /// Reads the parameters of a query.
    ///
    /// - Parameters:
    ///   - target: The target of the request: path and query.
    ///   - known: The names that may be used.
    /// - Throws: A 400 problem if a name is unknown or comes twice, or if the query is not percent-encoded UTF-8.
    package init(target: String, known: [String]) throws(Problem) {
        self.init(known: known)
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { part in
                // Forms write a space as "+" and a plus sign as "%2B".
                part.replacing("+", with: " ").removingPercentEncoding
            }
            guard let name = decoded[0], let value = decoded.count == 2 ? decoded[1] : "" else {
                throw Problem(
                    .invalidParameter, "The query is not percent-encoded UTF-8.",
                    expected: "name=value", actual: String(pair))
            }
            try set(name, value)
        }
    }

    /// Adds a value.
    ///
    /// - Throws: A 400 problem if the name is unknown or has a value already, be it from the query or from the body.
    package mutating func set(_ name: String, _ value: String) throws(Problem) {
        guard known.contains(name) else { throw .unknownParameter(name, expected: known) }
        guard values.updateValue(value, forKey: name) == nil else {
            throw .repeated(name)
        }
    }

    /// The same values and another one, whose name the request may not use.
    package func fixing(_ name: String, _ value: String) -> Parameters {
        var copy = self
        copy.values[name] = value
        return copy
    }

    /// The same values, to which no more can be added.
    package var sealed: Parameters {
        var copy = self
        copy.known = []
        return copy
    }

    /// A value as text; nil if there is none.
    package func string(_ name: String) -> String? {
        values[name]
    }

    /// A value that is one of a few words; nil if there is none.
    ///
    /// - Throws: A 400 problem if the value is another word.
    package func choice<Value: CaseIterable & RawRepresentable<String>>(_ name: String) throws(Problem) -> Value? {
        guard let text = values[name] else { return nil }
        guard let value = Value(rawValue: text) else {
            throw .invalidParameter(
                name, expected: Value.allCases.map(\.rawValue).joined(separator: " or "), actual: text)
        }
        return value
    }

    /// A value that is true or false; nil if there is none.
    ///
    /// - Throws: A 400 problem if the value is anything else.
    package func boolean(_ name: String) throws(Problem) -> Bool? {
        guard let text = values[name] else { return nil }
        guard let value = Bool(text) else { throw .invalidParameter(name, expected: "true or false", actual: text) }
        return value
    }

    /// A value that is a number; nil if there is none.
    ///
    /// - Parameters:
    ///   - expected: Says in words which numbers are allowed.
    ///   - isAllowed: Tells whether a number is allowed.
    /// - Throws: A 400 problem if the value is no number, or none that is allowed.
    package func number(_ name: String, expected: String, where isAllowed: (Double) -> Bool) throws(Problem) -> Double?
    {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), value.isFinite, isAllowed(value) else {
            throw .invalidParameter(name, expected: expected, actual: text)
        }
        return value
    }

    /// A value that is a whole number, which may be written as 255.0; nil if there is none.
    ///
    /// - Throws: A 400 problem if the value is no whole number, or lies outside `range`.
    package func integer<Value: FixedWidthInteger>(_ name: String, in range: ClosedRange<Value>) throws(Problem)
        -> Value?
    {
        guard let text = values[name] else { return nil }
        guard let value = Value(text) ?? Self.whole(text), range.contains(value) else {
            let expected =
                range.upperBound == .max && range.lowerBound == .min
                ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw .invalidParameter(name, expected: expected, actual: text)
        }
        return value
    }

    /// Reads a whole number that is written with a decimal point. Beyond 2⁵³ a float64 would round it, so larger ones
    /// are refused.
    private static func whole<Value: FixedWidthInteger>(_ text: String) -> Value? {
        let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
        guard isDecimal, let value = Double(text), abs(value) <= 0x1p53 else { return nil }
        return Value(exactly: value)
    }

    /// A value that is a comma-separated list, its elements without the blanks around them; nil if there is none.
    package func list(_ name: String) -> [String]? {
        values[name]?.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// A value that is a list of any texts: a JSON array of strings if it begins with a bracket, or else a
    /// comma-separated list, its elements without the blanks around them; nil if there is none.
    ///
    /// - Throws: A 400 problem for what begins with a bracket and is no array of strings.
    package func texts(_ name: String) throws(Problem) -> [String]? {
        guard let text = values[name], text.utf8.first == UInt8(ascii: "[") else { return list(name) }
        do {
            return try JSONDecoder().decode([String].self, from: Data(text.utf8))
        } catch {
            throw .invalidParameter(name, expected: "a comma list or a JSON array of strings", actual: text)
        }
    }

    /// A list of any texts as ``texts(_:)`` reads it.
    package static func text(of list: [String]) -> String {
        var writer = JSONWriter()
        writer.strings(list)
        return String(decoding: writer.text, as: UTF8.self)
    }

    /// A value that is a comma-separated list of classes; empty if there is none.
    ///
    /// - Throws: A 400 problem if an element is no whole number, or larger than any class.
    package func classes(_ name: String) throws(Problem) -> [Int] {
        let range = 0...ScoringShape.classLimit - 1
        return try (list(name) ?? []).map { (text) throws(Problem) in
            guard let index = Int(text), range.contains(index) else {
                throw .invalidParameter(name, expected: "a comma list of classes", actual: values[name] ?? "")
            }
            return index
        }
    }

    /// Where a page begins: what the page before has said.
    ///
    /// - Throws: A 400 problem for what no page has said.
    package func cursor() throws(Problem) -> Int? {
        try string("cursor").map { (text) throws(Problem) in
            guard let cursor = Int(text), cursor >= 0 else {
                throw .invalidParameter("cursor", expected: "the \"next\" of an earlier answer", actual: text)
            }
            return cursor
        }
    }

    /// A threshold in [0, 1]; nil if there is none.
    ///
    /// - Throws: A 400 problem if the value is anything else.
    package func threshold() throws(Problem) -> Double? {
        try number("threshold", expected: "a number from 0 to 1") { (0...1).contains($0) }
    }
}
