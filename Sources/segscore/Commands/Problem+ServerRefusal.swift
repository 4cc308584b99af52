import HTTPServer
import HTTPTypes
import ScoringService
import WebService

extension Problem {
    /// The problem that a client is told of if the server refuses a request by itself.
    init(_ refusal: ServerRefusal) {
        switch refusal {
        case .malformed:
            self.init(
                .malformedRequest, "The request is not HTTP, or its head says two things at once.",
                expected: "one Host, and Content-Length or chunked, not both")
        case .unsupportedTransferCoding:
            self.init(
                .notImplemented, "This transfer coding is not understood.",
                parameter: "Transfer-Encoding", expected: "chunked")
        case .unsupportedVersion:
            self.init(
                .unsupportedVersion, "This version of HTTP is not spoken.",
                expected: "HTTP/1.1")
        case .targetTooLong(let limit):
            self.init(
                .targetTooLong, "The first line of the request is too long.",
                expected: "at most \(limit) bytes", limit: limit)
        case .headerTooLarge(let limit):
            self.init(
                .headerTooLarge, "The head of the request is too large.",
                expected: "at most \(limit) bytes", limit: limit)
        case .bodyTooLarge(let limit):
            self.init(
                .bodyTooLarge, "The body has more than \(limit) bytes.",
                expected: "at most \(limit) bytes", limit: Int(clamping: limit))
        case .timedOut:
            self.init(
                .requestTimeout, "The request stopped arriving, or came too slowly.",
                expected: "the rest of it")
        case .unavailable: self = .draining
        }
    }
}
