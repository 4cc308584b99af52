package import ServiceInterface

/// Answers a request whose body means nothing; the body is dropped.
package final class BodilessHandler: RequestHandler {
    private let respond: (@escaping @Sendable (Answer) -> Void) -> Void
    package let departure: (@Sendable () -> Void)?

    /// Creates a handler that answers at the end of the body or later.
    ///
    /// - Parameters:
    ///   - departure: Is called if the client hangs up before the answer; nil if the answer comes too soon for that.
    ///   - respond: Gives the answer, once, from any thread.
    package init(
        departure: (@Sendable () -> Void)? = nil,
        later respond: @escaping (@escaping @Sendable (Answer) -> Void) -> Void
    ) {
        self.departure = departure
        self.respond = respond
    }

    /// Creates a handler that answers at the end of the body.
    package convenience init(_ respond: @escaping () throws(Problem) -> Response) {
        self.init(later: { $0(Answer(catching: respond)) })
    }

    package func receive(_ bytes: borrowing Span<UInt8>) {}

    package func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        respond(answer)
    }

    package func abandon() {}
}
