package import HTTPTypes
import Scoring

/// The reason why a client does not get what it asked for, told to it as a problem document (RFC 9457).
package struct Problem: Error, Equatable, Sendable {
    /// The kind of the problem.
    package let type: ProblemType

    /// The status of the answer: that of the problem's type, unless the place where the problem arises needs another.
    package private(set) var status: HTTPResponse.Status

    /// One sentence about what was wrong with this request.
    package private(set) var detail: String

    /// The array or parameter that was wrong.
    package var parameter: String? {
        didSet { parameter = parameter.map(Self.cut) }
    }
    /// What the parameter should have been, in words.
    package var expected: String?
    /// What the parameter was.
    package var actual: String?

    /// The limit that was exceeded, in bytes, pixels or places.
    package var limit: Int?

    /// Fields of the answer that belong to the problem, such as `Allow` and `Retry-After`.
    package var fields: HTTPFields = [:]

    /// Whether the document repeats `detail` as `error`, which is where clients of the Open Inference Protocol look for
    /// it.
    package private(set) var hasError = false

    /// Creates a problem. Texts are cut to a bounded length.
    ///
    /// - Parameters:
    ///   - type: The kind of the problem, which also gives it its status.
    ///   - detail: One sentence about what was wrong with this request.
    ///   - parameter: The array or parameter that was wrong.
    ///   - expected: What it should have been, in words.
    ///   - actual: What it was.
    ///   - limit: The limit that was exceeded, in bytes, pixels or places.
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
        // A client that finds no room may try again. The caller sets another time if it knows a better one.
        if status == .serviceUnavailable { fields[.retryAfter] = "1" }
    }

    /// Cuts a text to a bounded length, because problems repeat names and values from the request, which may be of any
    /// length.
    private static func cut(_ text: String) -> String {
        // Scalars are counted, since a single character may be as long as a body.
        let limit = 400
        guard text.utf8.count > limit else { return text }
        let start = text.unicodeScalars.prefix(limit)
        return start.count < text.unicodeScalars.count ? String(start) + "…" : text
    }

    /// The same problem with `error` in its document. It serves refusals that are made before the path is looked at,
    /// and so before the client's protocol is known.
    package var withError: Problem {
        var copy = self
        copy.hasError = true
        return copy
    }

    /// The same problem as the Open Inference Protocol has it, where content that cannot be processed is a bad request.
    package var ofInference: Problem {
        var copy = withError
        if status == .unprocessableContent { copy.status = .badRequest }
        return copy
    }

    /// The same problem with a status other than that of its type.
    package func with(status: HTTPResponse.Status) -> Problem {
        var copy = self
        copy.status = status
        return copy
    }

    /// The same problem with another sentence behind `detail`.
    package func explained(_ sentence: String) -> Problem {
        var copy = self
        copy.detail = Self.cut(detail + " " + sentence)
        return copy
    }

    /// The same problem with the names of what has it ahead of `detail`, where they are not cut off.
    package func found(at place: String) -> Problem {
        var copy = self
        copy.detail = Self.cut("\(place): \(detail)")
        return copy
    }

    /// The same problem with another field in its answer.
    package func with(_ name: HTTPField.Name, _ value: String) -> Problem {
        var copy = self
        copy.fields[name] = value
        return copy
    }
}

extension Problem {
    /// The problem of a parameter that the request may not have.
    package static func unknownParameter(_ name: String, expected: [String]) -> Problem {
        Problem(
            .unknownParameter, "There is no parameter \"\(name)\" here.", parameter: name,
            expected: expected.isEmpty ? "no parameters" : expected.joined(separator: ", "), actual: name)
    }

    /// The problem of a parameter whose value is not allowed.
    package static func invalidParameter(_ name: String, expected: String, actual: String) -> Problem {
        Problem(
            .invalidParameter, "\(name) must be \(expected), not \"\(actual)\".", parameter: name,
            expected: expected, actual: actual)
    }

    /// The problem of a body that cannot be read.
    package static func malformedBody(_ detail: String, expected: String? = nil, actual: String? = nil) -> Problem {
        Problem(.malformedBody, detail, expected: expected, actual: actual)
    }

    /// The problem of a request that comes while the server shuts down.
    package static let draining = Problem(.draining, "The server is shutting down.")

    /// The problem of a job for which the queue has no place.
    package static func atCapacity(limit: Int) -> Problem {
        Problem(.atCapacity, "All \(limit) places for jobs are taken.", limit: limit)
    }

    /// The problem of a body that is too large, in bytes.
    package static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            .bodyTooLarge, "The body, decoded, has more than \(limit) bytes.",
            expected: "at most \(limit) bytes", limit: limit)
    }

    /// The problem of an array or a parameter that comes twice.
    package static func repeated(_ name: String) -> Problem {
        Problem(
            ScoringError.Array(rawValue: name) == nil ? .repeatedParameter : .repeatedArray,
            "\(name) comes more than once.", parameter: name, expected: "once")
    }

    static func elementType(
        _ detail: String, _ actual: String,
        expected: String = "bool, int8…64, uint8…64, float16, bfloat16, float32 or float64", parameter: String? = nil
    ) -> Problem {
        Problem(.unsupportedElementType, detail, parameter: parameter, expected: expected, actual: actual)
    }
}
