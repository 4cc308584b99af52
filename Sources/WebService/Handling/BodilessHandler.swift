package import ServiceInterface

/// Answers a request whose body says nothing.
package final class BodilessHandler: RequestHandler {
    private let respond: (@escaping @Sendable (Answer) -> Void) -> Void
    package let departure: (@Sendable () -> Void)?

    /// Answers later.
    ///
    /// - Parameter departure: What is done where the client does not wait so long; nil where it is soon.
    package init(
        departure: (@Sendable () -> Void)? = nil,
        later respond: @escaping (@escaping @Sendable (Answer) -> Void) -> Void
    ) {
        self.departure = departure
        self.respond = respond
    }

    /// Answers when the head was read.
    package convenience init(_ respond: @escaping () throws(Problem) -> Response) {
        self.init(later: { $0(Answer(catching: respond)) })
    }

    package func receive(_ bytes: borrowing Span<UInt8>) {}

    package func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        respond(answer)
    }

    package func abandon() {}
}
