package import HTTPTypes
import Scoring

/// What a client is told when it does not get what it asked for: a problem document (RFC 9457).
package struct Problem: Error, Equatable, Sendable {
    package private(set) var status: HTTPResponse.Status

    /// Names the kind of problem and never changes: the last part of the document's `type`.
    package let slug: String

    /// One sentence that says what was wrong with this request.
    package private(set) var detail: String

    /// The array or parameter that was wrong.
    package var parameter: String? {
        didSet { parameter = parameter.map(Self.cut) }
    }
    package var expected: String?
    package var actual: String?

    /// The limit that was passed, in bytes, pixels or places.
    package var limit: Int?

    /// Fields of the answer that belong to the problem, such as `Allow` and `Retry-After`.
    package var fields: HTTPFields = [:]

    /// Whether the document says in `error` too what was wrong, where clients of the Open Inference Protocol look for it.
    package private(set) var hasError = false

    package init(
        _ status: HTTPResponse.Status, _ slug: String, _ detail: String, parameter: String? = nil,
        expected: String? = nil, actual: String? = nil, limit: Int? = nil
    ) {
        self.status = status
        self.slug = slug
        self.detail = Self.cut(detail)
        self.parameter = parameter.map(Self.cut)
        self.expected = expected.map(Self.cut)
        self.actual = actual.map(Self.cut)
        self.limit = limit
        // Whoever finds no room may try again; the server knows better when.
        if status == .serviceUnavailable { fields[.retryAfter] = "1" }
    }

    /// Keeps a text from growing with what the network sends: names and values are repeated in it as they came.
    private static func cut(_ text: String) -> String {
        // By scalars: one character may be as long as a body.
        let limit = 400
        guard text.utf8.count > limit else { return text }
        let start = text.unicodeScalars.prefix(limit)
        return start.count < text.unicodeScalars.count ? String(start) + "…" : text
    }

    /// The kind of problem, in words: the slug with its first letter raised.
    package var title: String {
        let words = slug.split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    /// The same problem with `error` in its document: for what is refused before anybody looks at the path.
    package var withError: Problem {
        var copy = self
        copy.hasError = true
        return copy
    }

    /// The same problem as the Open Inference Protocol has it: what cannot be processed is a bad request there.
    package var ofInference: Problem {
        var copy = withError
        if status == .unprocessableContent { copy.status = .badRequest }
        return copy
    }

    /// The same problem with a further sentence.
    package func explained(_ sentence: String) -> Problem {
        var copy = self
        copy.detail = Self.cut(detail + " " + sentence)
        return copy
    }

    /// The same problem with a field in its answer.
    package func with(_ name: HTTPField.Name, _ value: String) -> Problem {
        var copy = self
        copy.fields[name] = value
        return copy
    }
}

extension Problem {
    package static func unknownParameter(_ name: String, expected: [String]) -> Problem {
        Problem(
            .badRequest, "unknown-parameter", "There is no parameter \"\(name)\" here.", parameter: name,
            expected: expected.isEmpty ? "no parameters" : expected.joined(separator: ", "), actual: name)
    }

    package static func invalidParameter(_ name: String, expected: String, actual: String) -> Problem {
        Problem(
            .badRequest, "invalid-parameter", "\(name) must be \(expected), not \"\(actual)\".", parameter: name,
            expected: expected, actual: actual)
    }

    package static func malformedBody(_ detail: String, expected: String? = nil, actual: String? = nil) -> Problem {
        Problem(.badRequest, "malformed-body", detail, expected: expected, actual: actual)
    }

    /// For requests that found no room; the client may try again soon.
    package static func unavailable(_ slug: String, _ detail: String, limit: Int? = nil) -> Problem {
        Problem(.serviceUnavailable, slug, detail, limit: limit)
    }

    package static let draining = unavailable("draining", "The server is shutting down.")

    package static func atCapacity(limit: Int) -> Problem {
        unavailable("at-capacity", "All \(limit) places for jobs are taken.", limit: limit)
    }

    package static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            .contentTooLarge, "body-too-large", "The body, decoded, has more than \(limit) bytes.",
            expected: "at most \(limit) bytes", limit: limit)
    }

    /// An array or a parameter that came twice.
    package static func repeated(_ name: String) -> Problem {
        let kind = ScoringError.Array(rawValue: name) == nil ? "parameter" : "array"
        return Problem(
            .badRequest, "repeated-\(kind)", "\(name) comes more than once.", parameter: name, expected: "once")
    }

    static func elementType(
        _ detail: String, _ actual: String, expected: String = "bool, int8…64, uint8…64, float16, float32 or float64"
    ) -> Problem {
        Problem(
            .unprocessableContent, "unsupported-element-type", detail, expected: expected,
            actual: actual)
    }
}
