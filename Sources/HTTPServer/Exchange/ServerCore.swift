import ServiceInterface
import Synchronization

/// What the exchanges of a server share.
final class ServerCore: Sendable {
    let configuration: ServerConfiguration
    let responder: any Responder
    let inFlight = InFlight()
    private let connections = Atomic(0)

    init(configuration: ServerConfiguration, responder: any Responder) {
        self.configuration = configuration
        self.responder = responder
    }

    /// Whether one more connection is allowed.
    ///
    /// Two threads that accept at the same moment may go beyond the limit by one each.
    var hasRoom: Bool { connections.load(ordering: .relaxed) < configuration.maxConnections }

    func connectionBegan() {
        connections.add(1, ordering: .relaxed)
    }

    func connectionEnded() {
        connections.subtract(1, ordering: .relaxed)
    }
}
