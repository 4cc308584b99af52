import Logging
package import ServiceInterface

/// Stands between the server and a handler: the one place where a problem becomes a response.
package final class HandlerSink: BodySink {
    private var handler: (any RequestHandler)?
    private var problem: Problem?
    private let render: @Sendable (Answer) -> Response
    /// The handler's, which is itself let go when the body is complete: it may hold much.
    private var departure: (@Sendable () -> Void)?

    package init(_ handler: any RequestHandler, render: @escaping @Sendable (Answer) -> Response) {
        self.handler = handler
        self.render = render
    }

    package func receive(_ bytes: borrowing Span<UInt8>) {
        guard let handler else { return }
        do throws(Problem) {
            try handler.receive(bytes)
        } catch {
            // HTTP lets us answer at the end of the body only; what the handler held is let go now.
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
