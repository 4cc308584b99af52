/// The reasons for which a server refuses a request without asking the responder. Each case names the status of the
/// answer.
package enum ServerRefusal: Error, Equatable, Sendable {
    /// 400: the head or the chunks violate RFC 9112, or the head contradicts itself about where the body ends.
    case malformed
    /// 501: the body has a transfer coding other than `chunked`.
    case unsupportedTransferCoding
    /// 505: the version is neither HTTP/1.1 nor HTTP/1.0.
    case unsupportedVersion
    /// 414: the first line does not end within the connection's buffer. The limit is in bytes.
    case targetTooLong(limit: Int)
    /// 431: the head is too large. The limit is in bytes.
    case headerTooLarge(limit: Int)
    /// 413: the body is too large. The limit is in bytes.
    case bodyTooLarge(limit: UInt64)
    /// 408: the request did not arrive within ``ServerConfiguration/idleTimeout``, or too slowly. Its connection is
    /// closed.
    case timedOut
    /// 503: the server is being stopped.
    case unavailable
}
