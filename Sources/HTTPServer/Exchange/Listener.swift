import ServiceInterface

/// The facts that all requests to one address share.
final class Listener: Sendable {
    let core: ServerCore
    let role: ListenerRole
    /// Whether the listener speaks TLS.
    let isSecure: Bool
    /// The name or IP address that the listener was told to listen on; nil for a Unix socket.
    let host: String?

    init(core: ServerCore, _ address: ListenAddress, role: ListenerRole, isSecure: Bool) {
        self.core = core
        host = if case .tcp(let host, _) = address.bound { host } else { nil }
        self.role = role
        self.isSecure = isSecure
    }
}
