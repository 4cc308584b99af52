import HTTPTypes
import ServiceInterface
package import WebService

/// Decodes a body in one format as it arrives, and hands on the arrays and parameters that it finds.
package protocol BodyDecoder: AnyObject {
    /// Takes the next bytes of the body, which are valid during the call.
    ///
    /// - Throws: A problem with the body, or with the arrays in it.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// Tells the decoder that the body has ended. The thread that reads the connection calls this, so the work has to
    /// be quick.
    ///
    /// - Throws: A 400 problem if the body ends early.
    func finish() throws(Problem)

    /// Hands on the arrays and parameters that could not be handed on while the body arrived. The work may take long,
    /// so a worker calls this.
    ///
    /// - Throws: A problem with the body, or with the arrays in it.
    func complete() throws(Problem)
}

extension IncomingRequest {
    /// Proves that the request has a body.
    ///
    /// - Throws: A 411 problem if it has none.
    package func requireBody() throws(Problem) {
        let fields = head.headerFields
        guard fields[.contentLength] != nil || fields[.transferEncoding] != nil else {
            throw Problem(
                .lengthRequired, "The request has no body.", parameter: "Content-Length",
                expected: "Content-Length, or Transfer-Encoding: chunked")
        }
    }
}
