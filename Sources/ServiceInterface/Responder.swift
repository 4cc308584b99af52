package import HTTPTypes

/// What answers requests: the service, as a server sees it.
package protocol Responder: Sendable {
    /// Decides on a request from its head, before a byte of its body is read. Called on a daemon thread; must not
    /// wait.
    func respond(to request: IncomingRequest) -> Reception
}

/// A request of which the head is in.
package struct IncomingRequest: Sendable {
    /// Method, target and fields. `path` holds the target as it was sent, with its query.
    package let head: HTTPRequest

    /// Stands on each log line that the request causes, and in the answer's `X-Request-Id`.
    package let id: String

    /// Where the request stands in its caller's trace, if it says so; on each log line too.
    package let trace: TraceContext?

    /// What the listener is for that it came to.
    package let role: ListenerRole

    /// The name or IP address that the listener was told to listen on; nil where callers do not come by TCP.
    package let listeningHost: String?

    /// The IP address that it came from, of version 6 the network (/64); nil where it did not come by TCP.
    package let peer: String?

    /// Whether it came over a connection that is one too many: only probes are answered then.
    package let isCrowded: Bool

    package init(
        head: HTTPRequest, id: String, trace: TraceContext? = nil, role: ListenerRole = .service,
        listeningHost: String? = nil, peer: String? = nil, isCrowded: Bool = false
    ) {
        self.head = head
        self.id = id
        self.trace = trace
        self.role = role
        self.listeningHost = listeningHost
        self.peer = peer
        self.isCrowded = isCrowded
    }
}

/// Whom a listener is there for.
package enum ListenerRole: String, Sendable {
    /// Callers of the service.
    case service
    /// Those who run it: only what they ask is answered, and to anyone.
    case administration
}

/// What becomes of a request whose head was seen.
package struct Reception {
    package enum Decision {
        /// The answer is settled: the body is not wanted.
        case refuse(Response)
        /// The body, which may be empty, goes to the sink, and the sink answers at its end.
        case receive(any BodySink)
    }

    package let decision: Decision

    /// What the request is counted by; nil for a path that nothing has.
    package let path: PathTemplate?

    package static func refuse(_ response: Response, at path: PathTemplate? = nil) -> Reception {
        Reception(decision: .refuse(response), path: path)
    }

    package static func receive(_ sink: any BodySink, at path: PathTemplate? = nil) -> Reception {
        Reception(decision: .receive(sink), path: path)
    }
}

/// Takes a body as it arrives and answers at its end.
///
/// The server calls it from one thread at a time: ``receive(_:)`` any number of times, then either ``finish(_:)`` or
/// ``abandon()``, once.
package protocol BodySink: AnyObject {
    /// Takes the next bytes of the body, valid during the call. A sink that has found a mistake keeps it for
    /// ``finish(_:)`` and drops what still comes.
    func receive(_ bytes: borrowing Span<UInt8>)

    /// The body is complete.
    ///
    /// - Parameter reply: Takes the answer, once, at once or later from any thread.
    func finish(_ reply: @escaping @Sendable (Response) -> Void)

    /// The client went away, or sent something that is not HTTP, before the body was complete.
    func abandon()

    /// Whether the request ends when its client hangs up between ``finish(_:)`` and the answer. Where it does not, its answer is
    /// awaited and sent as if the client were there.
    var endsWithItsClient: Bool { get }

    /// The client of a request that ends with it has hung up: nobody takes the answer, and what was done for that alone is to
    /// stop. Called once at most, behind ``finish(_:)`` and from any thread.
    func clientLeft()
}

extension BodySink {
    package var endsWithItsClient: Bool { false }

    package func clientLeft() {}
}
