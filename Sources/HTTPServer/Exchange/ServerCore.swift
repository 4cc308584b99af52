import Dispatch
import ServiceInterface

/// What the exchanges of a server share.
final class ServerCore: Sendable {
    let configuration: ServerConfiguration
    let responder: any Responder
    let inFlight = InFlight()
    let metrics: RequestMetrics
    let connections = Connections()
    let hangUps: HangUpWatch
    let lingering: Lingering

    init(configuration: ServerConfiguration, responder: any Responder) {
        self.configuration = configuration
        self.responder = responder
        metrics = RequestMetrics(configuration.metrics)
        hangUps = HangUpWatch(inFlight)
        lingering = Lingering(limit: max(1, configuration.maxConnections / 4))
    }

    /// Refuses the requests that have stopped arriving, and closes the connections on which none begins.
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

    /// Whether one more connection is allowed.
    ///
    /// Two threads that accept at the same moment may go beyond the limit by one each.
    var hasRoom: Bool { connections.count + lingering.count < configuration.maxConnections }
}
