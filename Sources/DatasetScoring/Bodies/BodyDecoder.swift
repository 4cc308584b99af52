import HTTPTypes
import ServiceInterface
package import WebService

/// Decodes a body of one form as it arrives, and hands on the arrays and parameters that it finds.
package protocol BodyDecoder: AnyObject {
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// The body has ended. Quick work alone: the thread that reads the connection calls it.
    func finish() throws(Problem)

    /// Hands on what could not be handed on while the body came. It may take long, so that workers call it.
    func complete() throws(Problem)
}

extension IncomingRequest {
    /// - Throws: 411 if there is no body.
    package func requireBody() throws(Problem) {
        let fields = head.headerFields
        guard fields[.contentLength] != nil || fields[.transferEncoding] != nil else {
            throw Problem(
                .lengthRequired, "The request has no body.", parameter: "Content-Length",
                expected: "Content-Length, or Transfer-Encoding: chunked")
        }
    }
}
