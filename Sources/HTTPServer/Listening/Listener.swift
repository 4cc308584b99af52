import ServiceInterface

/// What the requests to one address have in common.
final class Listener: Sendable {
    let core: ServerCore
    let role: ListenerRole
    /// Whether it speaks TLS.
    let isSecure: Bool
    /// The name or IP address that it was told to listen on; nil for a Unix socket.
    let host: String?

    init(core: ServerCore, _ address: ListenAddress, role: ListenerRole, isSecure: Bool) {
        self.core = core
        host = if case .tcp(let host, _) = address { host } else { nil }
        self.role = role
        self.isSecure = isSecure
    }
}
