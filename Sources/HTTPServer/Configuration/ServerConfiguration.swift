package import CoreMetrics
package import Logging
package import ServiceInterface

/// The settings of a server: its addresses, its limits, and the wording of its own refusals.
package struct ServerConfiguration: Sendable {
    /// The addresses for callers, at least one.
    package var listeners: [ListenAddress]

    /// Further addresses, whose requests have ``ListenerRole/administration``. They are always plain HTTP.
    package var adminListeners: [ListenAddress] = []

    /// The certificate with which listeners on TCP speak TLS; nil for plain HTTP. Unix sockets stay plain.
    package var tls: TLSIdentity?

    /// How many threads read and write for each listener, 1 to 1024.
    package var threads = 1

    /// The memory of one connection in bytes, of which one read can fill half. At least 64 KiB.
    ///
    /// Larger buffers do not read faster than the loopback device delivers, and libmicrohttpd clears the whole buffer
    /// for each request of a connection that stays open: 1 MiB made a quarter fewer small requests. Smaller buffers
    /// cost more system calls.
    package var connectionBufferBytes = 256 << 10

    /// How many connections may be open at once over all listeners for callers. For one more, the connection that has
    /// waited longest for a request is closed. If none waits, a few more are let in, on which probes are answered and
    /// all other requests are refused.
    package var maxConnections = 1024

    /// How many connections may be open beyond ``maxConnections``: those of administration, and the spare ones for
    /// probes.
    package static let spareConnections = administrationLimit + 2 * probeConnections

    /// How many connections administration may have, which is enough because probes and collectors of metrics are few.
    static let administrationLimit = 64

    /// How many connections of each kind are let in beyond their limit, for probes alone.
    static let probeConnections = 16

    /// The number that descriptors stay below; nil if there is no limit. Connections leave some of the descriptors to
    /// files.
    package var descriptorLimit: Int?

    /// How many connections one IP address may have to one listener; 0 for any number. Unix sockets have no address.
    package var maxConnectionsPerAddress = 0

    /// The greatest size of a request's head on the wire, in bytes. The buffer of the connection bounds it too.
    package var maxHeaderBytes = 64 << 10

    /// The greatest size of a request's body, in bytes.
    package var maxBodyBytes: UInt64 = 64 << 30

    /// How long a connection may be silent, in seconds; 0 for any time. Within this time a head has to arrive whole,
    /// and ``enoughBytes`` of a body. A request that waits for its answer is not silent.
    package var idleTimeout = 60

    /// The log of the server and of libmicrohttpd.
    package var logger: Logger

    /// Makes the metrics in which the server counts requests.
    package var metrics: any MetricsFactory = MetricsSystem.factory

    /// Words the answer to a request that the server refuses without asking the responder.
    package var problem: @Sendable (ServerRefusal) -> Response

    /// Creates a configuration with the settings that have no default.
    package init(
        listeners: [ListenAddress], logger: Logger, problem: @escaping @Sendable (ServerRefusal) -> Response
    ) {
        self.listeners = listeners
        self.logger = logger
        self.problem = problem
    }

    /// The size up to which the body of a refused request is read and dropped, in bytes, so that the connection can
    /// stay open. Opening a new connection would cost the client more than sending this much.
    var swallowedBytes: UInt64 { 1 << 20 }

    /// How many bytes of a body have to arrive within ``idleTimeout``: 500 a second. Without this, a client that sends
    /// a byte now and then could hold a place for jobs for ever.
    var enoughBytes: Int { max(1, 500 * idleTimeout) }
}
