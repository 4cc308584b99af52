import Logging
package import ServiceInterface

/// Stands between the server and a handler: the one place where a problem becomes a response.
package final class RoutedSink: BodySink {
    private var intake: (any Intake)?
    private var problem: Problem?
    private let render: @Sendable (Answer) -> Response
    /// The intake's, which is itself let go when the body is complete: it may hold much.
    private var departure: (@Sendable () -> Void)?

    package init(_ intake: any Intake, render: @escaping @Sendable (Answer) -> Response) {
        self.intake = intake
        self.render = render
    }

    package func receive(_ bytes: borrowing Span<UInt8>) {
        guard let intake else { return }
        do throws(Problem) {
            try intake.receive(bytes)
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
        } else if let intake {
            self.intake = nil
            departure = intake.departure
            intake.finish { reply(render($0)) }
        }
    }

    package func abandon() {
        intake?.abandon()
        intake = nil
    }

    package var endsWithItsClient: Bool { departure != nil }

    package func clientLeft() {
        departure?()
    }
}
