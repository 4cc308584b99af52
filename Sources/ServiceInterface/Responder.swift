package import HTTPTypes
package import Memory

/// The service behind a server, as the server sees it.
package protocol Responder: Sendable {
    /// Decides what becomes of a request from its head, before a byte of its body is read.
    ///
    /// A daemon thread calls this, and other connections depend on that thread, so the method must not wait.
    func respond(to request: IncomingRequest) -> Reception
}

/// A request whose head has arrived, and whose body has not.
package struct IncomingRequest: Sendable {
    /// Method, target and fields. `path` holds the target as it was sent, with its query.
    package let head: HTTPRequest

    /// The id that stands on each log line about the request, and in the `X-Request-Id` of its answer.
    package let id: String

    /// The place of the request in its caller's trace; nil if the caller named none. It stands on each log line too.
    package let trace: TraceContext?

    /// The role of the listener over which the request came.
    package let role: ListenerRole

    /// The name or IP address that the listener was told to listen on; nil for a Unix socket.
    package let listeningHost: String?

    /// The IP address of the client, or its network (/64) if the address is of version 6; nil for a Unix socket.
    package let peer: String?

    /// Opens a client's process, which the kernel names as long as the connection is there.
    package typealias Process = @Sendable () throws(ForeignProcess.Refusal) -> ForeignProcess

    /// The process of the client; nil if the client has connected by no Unix socket.
    package let process: Process?

    /// Whether the connection is one more than the server has places for. Only probes are answered on such a
    /// connection.
    package let isCrowded: Bool

    package init(
        head: HTTPRequest, id: String, trace: TraceContext? = nil, role: ListenerRole = .service,
        listeningHost: String? = nil, peer: String? = nil, process: Process? = nil,
        isCrowded: Bool = false
    ) {
        self.head = head
        self.id = id
        self.trace = trace
        self.role = role
        self.listeningHost = listeningHost
        self.peer = peer
        self.process = process
        self.isCrowded = isCrowded
    }
}

/// The kind of caller that a listener is there for.
package enum ListenerRole: String, Sendable {
    /// Callers of the service.
    case service
    /// The people who run the service. Such a listener answers only their requests, but asks nobody for a key.
    case administration
}

/// What becomes of a request whose head has arrived.
package struct Reception {
    /// The two ways in which a request can go on.
    package enum Decision {
        /// The answer is settled, and nobody wants the body.
        case refuse(Response)
        /// The sink takes the body, which may be empty, and answers at its end.
        case receive(any BodySink)
    }

    /// The way in which the request goes on.
    package let decision: Decision

    /// The template that metrics count the request by; nil if no endpoint has the path.
    package let path: PathTemplate?

    /// A request that is answered at once.
    package static func refuse(_ response: Response, at path: PathTemplate? = nil) -> Reception {
        Reception(decision: .refuse(response), path: path)
    }

    /// A request whose body goes to a sink.
    package static func receive(_ sink: any BodySink, at path: PathTemplate? = nil) -> Reception {
        Reception(decision: .receive(sink), path: path)
    }
}

/// Takes the body of a request as it arrives, and answers at its end.
///
/// The server calls a sink from one thread at a time: ``receive(_:)`` any number of times, then either ``finish(_:)``
/// or ``abandon()``, once.
package protocol BodySink: AnyObject {
    /// Takes the next bytes of the body, which are valid during the call. A sink that finds a mistake keeps it for
    /// ``finish(_:)``, and drops the bytes that still come.
    func receive(_ bytes: borrowing Span<UInt8>)

    /// Tells the sink that the body is complete.
    ///
    /// - Parameter reply: Takes the answer. The sink calls it once, from any thread, before or after it returns from
    ///   here.
    func finish(_ reply: @escaping @Sendable (Response) -> Void)

    /// Tells the sink that the body will not be completed: the client went away, or sent bytes that are not HTTP.
    func abandon()

    /// Whether the request ends if its client hangs up between ``finish(_:)`` and the answer. If not, the server awaits
    /// the answer and sends it as if the client were there.
    var endsWithItsClient: Bool { get }

    /// Tells the sink that the client has hung up before the answer. Nobody takes the answer any more, so work that was
    /// done for this client alone has to stop.
    ///
    /// Only a sink that ``endsWithItsClient`` is told, once at most, after ``finish(_:)`` and from any thread.
    func clientLeft()
}

extension BodySink {
    package var endsWithItsClient: Bool { false }

    package func clientLeft() {}
}
