import Logging
package import ServiceInterface

/// Stands between the server and a handler. A problem that a handler throws or answers becomes a response here and
/// nowhere else.
package final class HandlerSink: BodySink {
    private var handler: (any RequestHandler)?
    private var problem: Problem?
    private let render: @Sendable (Answer) -> Response
    /// A copy of the handler's ``RequestHandler/departure``. The handler itself is released when the body is complete,
    /// because it may hold much memory.
    private var departure: (@Sendable () -> Void)?

    /// Creates a sink around a handler.
    ///
    /// - Parameters:
    ///   - handler: Takes the body and answers.
    ///   - render: Makes the response that is sent from what the handler ended with.
    package init(_ handler: any RequestHandler, render: @escaping @Sendable (Answer) -> Response) {
        self.handler = handler
        self.render = render
    }

    package func receive(_ bytes: borrowing Span<UInt8>) {
        guard let handler else { return }
        do throws(Problem) {
            try handler.receive(bytes)
        } catch {
            // HTTP allows an answer only at the end of the body, but what the handler holds can be released at once.
            problem = error
            abandon()
        }
    }

    package func finish(_ reply: @escaping @Sendable (Response) -> Void) {
        let render = render
        if let problem {
            reply(render(.failure(problem)))
        } else if let handler {
            self.handler = nil
            departure = handler.departure
            handler.finish { reply(render($0)) }
        }
    }

    package func abandon() {
        handler?.abandon()
        handler = nil
    }

    package var endsWithItsClient: Bool { departure != nil }

    package func clientLeft() {
        departure?()
    }
}
