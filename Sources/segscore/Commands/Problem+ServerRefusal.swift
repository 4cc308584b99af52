import HTTPServer
import HTTPTypes
import ScoringService
import WebService

extension Problem {
    /// What the server refuses by itself.
    init(_ refusal: ServerRefusal) {
        switch refusal {
        case .malformed:
            self.init(
                .badRequest, "malformed-request", "The request is not HTTP, or its head says two things at once.",
                expected: "one Host, and Content-Length or chunked, not both")
        case .unsupportedTransferCoding:
            self.init(
                .notImplemented, "not-implemented", "This transfer coding is not understood.",
                parameter: "Transfer-Encoding", expected: "chunked")
        case .unsupportedVersion:
            self.init(
                .httpVersionNotSupported, "unsupported-version", "This version of HTTP is not spoken.",
                expected: "HTTP/1.1")
        case .targetTooLong(let limit):
            self.init(
                .uriTooLong, "target-too-long", "The first line of the request is too long.",
                expected: "at most \(limit) bytes", limit: limit)
        case .headerTooLarge(let limit):
            self.init(
                .requestHeaderFieldsTooLarge, "header-too-large", "The head of the request is too large.",
                expected: "at most \(limit) bytes", limit: limit)
        case .bodyTooLarge(let limit):
            self.init(
                .contentTooLarge, "body-too-large", "The body has more than \(limit) bytes.",
                expected: "at most \(limit) bytes", limit: Int(clamping: limit))
        case .timedOut:
            self.init(
                .requestTimeout, "request-timeout", "The request stopped arriving, or came too slowly.",
                expected: "the rest of it")
        case .unavailable: self = .draining
        }
    }
}
