import HTTPTypes
package import ServiceInterface

/// Takes a small body whole, and answers at its end.
///
/// `@unchecked Sendable`: the daemon thread that reads the body hands the handler to the one worker that answers.
package final class MessageHandler: RequestHandler, @unchecked Sendable {
    private let text: HeldText
    private let respond: @Sendable ([UInt8], @escaping @Sendable (Answer) -> Void) -> Void

    /// - Parameters:
    ///   - request: The request whose body it is.
    ///   - limit: The most bytes that the body may have.
    ///   - respond: Gets the body, and gives the answer, once, from any thread.
    /// - Throws: A 415 problem for a body that is compressed: so small a one has no need to be.
    package init(
        of request: IncomingRequest, limit: Int,
        _ respond: @escaping @Sendable ([UInt8], @escaping @Sendable (Answer) -> Void) -> Void
    ) throws(Problem) {
        if let coding = request.head.headerFields[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem(
                .unsupportedMediaType, "The body is taken as it is, and not compressed.", parameter: "Content-Encoding",
                expected: "no Content-Encoding", actual: coding)
        }
        text = HeldText(limit: limit)
        self.respond = respond
    }

    package func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try text.append(bytes)
    }

    package func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        // The text counts as held until there is an answer.
        respond(text.bytes) { [self] in
            answer($0)
            withExtendedLifetime(self) {}
        }
    }

    package func abandon() {}
}
