package import ServiceInterface

/// How a handler ends: with a response, or with what the client is told instead.
package typealias Answer = Result<Response, Problem>

/// The side of a handler that takes a body and answers at its end.
///
/// Like a ``BodySink``, except that it may throw: whatever it throws is remembered, the rest of the body dropped, and
/// the problem answered, by the ``RoutedSink`` around it.
package protocol Intake: AnyObject {
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// The body is complete. The answer is given once, at once or later, from any thread.
    func finish(_ answer: @escaping @Sendable (Answer) -> Void)

    /// The body will not be completed, or a problem was found in it: nothing may stay behind.
    func abandon()

    /// What is done where the client hangs up while it waits for its answer; nil where the answer is soon there, and the request
    /// goes on. Asked for ahead of ``finish(_:)``; called on any thread.
    var departure: (@Sendable () -> Void)? { get }
}

extension Intake {
    package var departure: (@Sendable () -> Void)? { nil }

    /// The ``departure`` of a request that ends with its client, and leaves everything as it is.
    package static var departed: @Sendable () -> Void { {} }
}

/// Answers a request whose body says nothing.
package final class BodilessIntake: Intake {
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
