package import HTTPTypes
import Scoring

/// What a client is told when it does not get what it asked for: a problem document (RFC 9457).
package struct Problem: Error, Equatable, Sendable {
    /// What kind of problem it is.
    package let type: ProblemType

    /// What the problem is answered with: the status of its type, unless the place where it arises calls for another.
    package private(set) var status: HTTPResponse.Status

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
        _ type: ProblemType, _ detail: String, parameter: String? = nil, expected: String? = nil,
        actual: String? = nil, limit: Int? = nil
    ) {
        self.type = type
        self.status = type.status
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

    /// The same problem with another status than its type has by itself.
    package func with(status: HTTPResponse.Status) -> Problem {
        var copy = self
        copy.status = status
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
            .unknownParameter, "There is no parameter \"\(name)\" here.", parameter: name,
            expected: expected.isEmpty ? "no parameters" : expected.joined(separator: ", "), actual: name)
    }

    package static func invalidParameter(_ name: String, expected: String, actual: String) -> Problem {
        Problem(
            .invalidParameter, "\(name) must be \(expected), not \"\(actual)\".", parameter: name,
            expected: expected, actual: actual)
    }

    package static func malformedBody(_ detail: String, expected: String? = nil, actual: String? = nil) -> Problem {
        Problem(.malformedBody, detail, expected: expected, actual: actual)
    }

    package static let draining = Problem(.draining, "The server is shutting down.")

    package static func atCapacity(limit: Int) -> Problem {
        Problem(.atCapacity, "All \(limit) places for jobs are taken.", limit: limit)
    }

    package static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            .bodyTooLarge, "The body, decoded, has more than \(limit) bytes.",
            expected: "at most \(limit) bytes", limit: limit)
    }

    /// An array or a parameter that came twice.
    package static func repeated(_ name: String) -> Problem {
        Problem(
            ScoringError.Array(rawValue: name) == nil ? .repeatedParameter : .repeatedArray,
            "\(name) comes more than once.", parameter: name, expected: "once")
    }

    static func elementType(
        _ detail: String, _ actual: String, expected: String = "bool, int8…64, uint8…64, float16, float32 or float64"
    ) -> Problem {
        Problem(
            .unsupportedElementType, detail, expected: expected,
            actual: actual)
    }
}
