import HTTPTypes
import ServiceInterface
package import WebService

/// Reads a body as it arrives, and hands on what it finds.
package protocol BodyReader: AnyObject {
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// The body has ended; quick work on the thread that reads.
    func finish() throws(Problem)

    /// Hands on what could not be handed on while the body came; on a worker.
    func complete() throws(Problem)
}

extension IncomingRequest {
    /// - Throws: 411 where there is no body.
    package func requireBody() throws(Problem) {
        let fields = head.headerFields
        guard fields[.contentLength] != nil || fields[.transferEncoding] != nil else {
            throw Problem(
                .lengthRequired, "length-required", "The request has no body.", parameter: "Content-Length",
                expected: "Content-Length, or Transfer-Encoding: chunked")
        }
    }
}
