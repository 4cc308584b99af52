package import CoreMetrics
package import Logging
package import ServiceInterface

/// What a server listens on, what it allows, and how it words what it refuses by itself.
package struct ServerConfiguration: Sendable {
    /// At least one.
    package var listeners: [ListenAddress]

    /// Further addresses, whose requests come as ``ListenerRole/administration``. Always plain HTTP.
    package var adminListeners: [ListenAddress] = []

    /// Has the listeners speak TLS; Unix sockets stay plain.
    package var tls: TLSIdentity?

    /// Threads that read and write, for each listener; at least 1.
    package var threads = 1

    /// Memory of one connection; half of it is what one read can take. At least 64 KiB.
    ///
    /// Larger ones read no faster than the loopback device is, and libmicrohttpd clears the whole of it for each
    /// request of a connection that stays: with 1 MiB small requests were a quarter fewer. Smaller ones cost a system
    /// call each.
    package var connectionBufferBytes = 256 << 10

    /// Connections open at once over all listeners of callers. For one more, that which has waited longest for a
    /// request is closed; where none waits, ``spareConnections`` more are let in, on which probes are answered and all
    /// else is refused.
    package var maxConnections = 1024

    /// Connections that may be open beyond ``maxConnections``: those of administration, and those for probes.
    package static let spareConnections = Connections.administrationLimit + 2 * Connections.spares

    /// The number that descriptors stay below; nil for none. Connections leave some of them to files.
    package var descriptorLimit: Int?

    /// Connections of one address to one listener; 0 for any number. Unix sockets have no address.
    package var maxConnectionsPerAddress = 0

    /// Size of a request's head on the wire. The connection's buffer bounds it as well.
    package var maxHeaderBytes = 64 << 10

    /// Size of a request's body.
    package var maxBodyBytes: UInt64 = 64 << 30

    /// How long a connection may neither send nor take anything, in seconds; 0 for ever. A request that waits for its
    /// answer is not idle. In so long the head has to come, and ``enoughBytes`` of a body.
    package var idleTimeout = 60

    package var logger: Logger

    /// Makes what the server counts requests with.
    package var metrics: any MetricsFactory = MetricsSystem.factory

    /// Words the answer to what the server refuses without asking the responder.
    package var problem: @Sendable (ServerRefusal) -> Response

    package init(
        listeners: [ListenAddress], logger: Logger, problem: @escaping @Sendable (ServerRefusal) -> Response
    ) {
        self.listeners = listeners
        self.logger = logger
        self.problem = problem
    }

    /// Bodies up to this size are swallowed before a refusal, so that the connection stays: less than sending it anew
    /// over a new one would cost.
    var swallowedBytes: UInt64 { 1 << 20 }

    /// What of a body has to come in ``idleTimeout``: 500 bytes a second. Otherwise a byte now and then would hold one
    /// of the places for jobs for ever.
    var enoughBytes: Int { max(1, 500 * idleTimeout) }
}

/// What a server refuses without asking the responder.
package enum ServerRefusal: Error, Equatable, Sendable {
    /// The head or the chunks break RFC 9112, or the head says two things about where the body ends. 400.
    case malformed
    /// A transfer coding other than `chunked`. 501.
    case unsupportedTransferCoding
    /// Neither HTTP/1.1 nor HTTP/1.0. 505.
    case unsupportedVersion
    /// The first line has no end within the connection's buffer. 414; the limit is in bytes.
    case targetTooLong(limit: Int)
    /// 431; the limit is in bytes.
    case headerTooLarge(limit: Int)
    /// 413; the limit is in bytes.
    case bodyTooLarge(limit: UInt64)
    /// The request did not arrive, or too slowly, for ``ServerConfiguration/idleTimeout``; its connection is closed.
    /// 408.
    case timedOut
    /// The server is being stopped. 503.
    case unavailable
}
