import Synchronization

/// The requests that are under way, from their first line to the last byte of their answer.
final class InFlight: Sendable {
    private struct State {
        /// The exchanges by ``key(of:)``.
        var exchanges: [UInt64: Exchange] = [:]
        var isDraining = false
        var isStopping = false
        var waiters: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    /// How many requests are under way.
    var count: Int { state.withLock { $0.exchanges.count } }

    /// Whether answers tell their clients to use another connection for the next request.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Whether the server is being stopped and refuses requests that still wait for their answer.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Has answers close their connections from now on.
    func beginDraining() {
        state.withLock { $0.isDraining = true }
    }

    /// Ends the taking of requests.
    ///
    /// - Returns: The requests that still have to be answered.
    func beginStopping() -> [Exchange] {
        state.withLock { state in
            state.isDraining = true
            state.isStopping = true
            return Array(state.exchanges.values)
        }
    }

    /// The requests that are under way now.
    var all: [Exchange] { state.withLock { Array($0.exchanges.values) } }

    /// A key by which a request is found while it is under way. A later request may get the same key.
    static func key(of exchange: Exchange) -> UInt64 { UInt64(UInt(bitPattern: ObjectIdentifier(exchange))) }

    subscript(key: UInt64) -> Exchange? { state.withLock { $0.exchanges[key] } }

    /// Adds a request that begins.
    ///
    /// - Returns: Whether the server still takes requests.
    func add(_ exchange: Exchange) -> Bool {
        state.withLock { state in
            state.exchanges[Self.key(of: exchange)] = exchange
            return !state.isStopping
        }
    }

    /// Removes a request that is completed.
    func remove(_ exchange: Exchange) {
        let waiters = state.withLock { state in
            state.exchanges[Self.key(of: exchange)] = nil
            guard state.exchanges.isEmpty else { return [] as [@Sendable () -> Void] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }

    /// Calls `action` once, as soon as no request is under way: immediately, or later from a daemon thread.
    func whenQuiet(_ action: @escaping @Sendable () -> Void) {
        let isQuiet = state.withLock { state in
            if !state.exchanges.isEmpty { state.waiters.append(action) }
            return state.exchanges.isEmpty
        }
        if isQuiet { action() }
    }
}
