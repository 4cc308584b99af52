import ServiceInterface

/// What the requests to one address have in common.
final class Listener: Sendable {
    let core: ServerCore
    let role: ListenerRole
    /// Whether it speaks TLS.
    let isSecure: Bool

    init(core: ServerCore, role: ListenerRole, isSecure: Bool) {
        self.core = core
        self.role = role
        self.isSecure = isSecure
    }
}
