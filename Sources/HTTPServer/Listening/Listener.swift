import ServiceInterface

/// What the requests to one address have in common.
final class Listener: Sendable {
    let core: ServerCore
    let role: ListenerRole

    init(core: ServerCore, role: ListenerRole) {
        self.core = core
        self.role = role
    }
}
