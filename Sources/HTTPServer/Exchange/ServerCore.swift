import Dispatch
import Glibc
import Logging
import ServiceInterface
import Synchronization

/// The state that all exchanges of a server share.
final class ServerCore: Sendable {
    let configuration: ServerConfiguration
    let responder: any Responder
    let inFlight = InFlight()
    let metrics: RequestMetrics
    let connections: Connections
    let hangUps: HangUpWatch
    let lingering: Lingering
    /// The time at which the log last said that descriptors are short, in nanoseconds of uptime; 0 if it never has.
    private let warnedAt = Mutex<UInt64>(0)

    init(configuration: ServerConfiguration, responder: any Responder) {
        self.configuration = configuration
        self.responder = responder
        metrics = RequestMetrics(configuration.metrics)
        hangUps = HangUpWatch(inFlight)
        lingering = Lingering(limit: max(1, configuration.maxConnections / 4))
        connections = Connections(limit: configuration.maxConnections)
    }

    /// Refuses the requests that have stopped arriving, and closes the connections on which no request begins.
    func expireStalled() {
        for exchange in inFlight.all { exchange.noticeEnd() }
        lingering.expire()
        let patience = UInt64(configuration.idleTimeout) * 1_000_000_000
        let now = DispatchTime.now().uptimeNanoseconds
        guard patience > 0, now > patience else { return }
        for exchange in inFlight.all {
            exchange.expire(before: now - patience, with: configuration.problem)
        }
        connections.expire(before: now - patience)
    }

    /// Whether one more connection may be opened.
    func admits(_ role: ListenerRole) -> Bool {
        guard DescriptorTable.hasRoom(below: configuration.descriptorLimit) else {
            connections.closeLongestIdle()
            return false
        }
        return connections.admits(role, besides: role == .service ? lingering.count : 0)
    }

    /// Makes room for a connection that has come while the system had no descriptor or no memory for it, by closing
    /// another.
    ///
    /// - Parameter isFirst: Whether the thread has no other connection. libmicrohttpd then tries again at once and
    ///   would use up a processor with that, so the thread sleeps for a moment. Nobody else waits for it.
    func runShort(isFirst: Bool) {
        connections.closeLongestIdle()
        if isFirst { usleep(20_000) }
        let now = DispatchTime.now().uptimeNanoseconds
        let isDue = warnedAt.withLock { warnedAt in
            guard now > warnedAt + 60_000_000_000 || warnedAt == 0 else { return false }
            warnedAt = now
            return true
        }
        guard isDue else { return }
        configuration.logger.warning("the system has no descriptors or no memory for more connections")
    }
}
