import Foundation
import HTTPTypes
import Scoring

/// Named values as they came: in the query, as JSON members, or as text parts of a form.
package struct Parameters {
    /// The names that are known here.
    package private(set) var known: [String]
    private var values: [String: String]

    /// - Parameters:
    ///   - values: By names that are among those.
    package init(known: [String], values: [String: String] = [:]) {
        self.known = known
        self.values = values
    }

    /// Parameters by their names.
    ///
    /// - Throws: 400 for a name that is unknown.
    package init(_ values: [String: String], known: [String]) throws(Problem) {
        self.init(known: known)
        for (name, value) in values { try set(name, value) }
    }

    /// The parameters of a query.
    ///
    /// - Parameters:
    ///   - target: The request's target: path and query.
    /// - Throws: 400 for a name that is unknown or given twice, or a query that is not percent-encoded UTF-8.
    package init(target: String, known: [String]) throws(Problem) {
        self.init(known: known)
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { part in
                // Forms write a space as "+"; a plus sign comes as %2B.
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
    /// - Throws: 400 for a name that is unknown or has a value already, wherever that came from.
    package mutating func set(_ name: String, _ value: String) throws(Problem) {
        guard known.contains(name) else { throw .unknownParameter(name, expected: known) }
        guard values.updateValue(value, forKey: name) == nil else {
            throw .repeated(name)
        }
    }

    /// The same values, where no more are taken.
    package var sealed: Parameters {
        var copy = self
        copy.known = []
        return copy
    }

    package func string(_ name: String) -> String? {
        values[name]
    }

    /// One of a few words.
    ///
    /// - Throws: 400 where the value is another.
    package func choice<Value: CaseIterable & RawRepresentable<String>>(_ name: String) throws(Problem) -> Value? {
        guard let text = values[name] else { return nil }
        guard let value = Value(rawValue: text) else {
            throw .invalidParameter(
                name, expected: Value.allCases.map(\.rawValue).joined(separator: " or "), actual: text)
        }
        return value
    }

    /// A number.
    ///
    /// - Parameters:
    ///   - expected: Says in words which numbers are allowed.
    /// - Throws: 400 where the value is no number or not allowed.
    package func number(_ name: String, expected: String, where isAllowed: (Double) -> Bool) throws(Problem) -> Double?
    {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), value.isFinite, isAllowed(value) else {
            throw .invalidParameter(name, expected: expected, actual: text)
        }
        return value
    }

    /// A whole number, which may be written as 255.0.
    ///
    /// - Throws: 400 where the value is no whole number or not in `range`.
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

    /// A whole number that is written with a point; only where a float64 holds every one of its size.
    private static func whole<Value: FixedWidthInteger>(_ text: String) -> Value? {
        let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
        guard isDecimal, let value = Double(text), abs(value) <= 0x1p53 else { return nil }
        return Value(exactly: value)
    }

    /// A comma list, its parts without blanks around them; nil where there is none.
    package func list(_ name: String) -> [String]? {
        values[name]?.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// A comma list of classes; empty where there is none.
    ///
    /// - Throws: 400 where one is no whole number, or larger than any class.
    package func classes(_ name: String) throws(Problem) -> [Int] {
        let range = 0...ScoringShape.classLimit - 1
        return try (list(name) ?? []).map { (text) throws(Problem) in
            guard let index = Int(text), range.contains(index) else {
                throw .invalidParameter(name, expected: "a comma list of classes", actual: values[name] ?? "")
            }
            return index
        }
    }

    /// A threshold in [0, 1].
    ///
    /// - Throws: 400 where it is anything else.
    package func threshold() throws(Problem) -> Double? {
        try number("threshold", expected: "a number from 0 to 1") { (0...1).contains($0) }
    }
}
