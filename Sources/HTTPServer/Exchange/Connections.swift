import ServiceInterface
import Synchronization

/// The open connections, and the decision about further ones.
///
/// libmicrohttpd closes silent connections. A connection whose client sends a byte now and then, but never ends the
/// first line of a request, is not silent, and no ``Exchange`` knows of it. Such connections are therefore watched
/// here.
///
/// Administration has places of its own, so that callers cannot take them. If all places of a kind are taken, the
/// connection that has waited longest for a request is closed to make room. If every connection has a request under
/// way, a few more are let in, on which only probes are answered; see ``Connection/isCrowded``.
final class Connections: Sendable {
    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        /// How many connections of each kind are open and not being closed to make room.
        var counts: [ListenerRole: Int] = [:]
    }
    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: How many places callers have, over all listeners.
    init(limit: Int) {
        self.limit = limit
    }

    /// How many connections of both kinds are open, including those that are being closed.
    var count: Int { state.withLock { $0.open.count } }

    private func limit(of role: ListenerRole) -> Int {
        switch role {
        case .service: limit
        case .administration: ServerConfiguration.administrationLimit
        }
    }

    private func count(of role: ListenerRole) -> Int { state.withLock { $0.counts[role] ?? 0 } }

    /// Whether one more connection may be opened. If all places are taken, this tries to make room.
    ///
    /// Threads that accept at the same moment may exceed the limit by one each.
    ///
    /// - Parameters:
    ///   - role: The kind of the connection.
    ///   - others: How many places are taken by sockets that are no connections any more.
    func admits(_ role: ListenerRole, besides others: Int) -> Bool {
        let limit = limit(of: role) - others
        while count(of: role) >= limit {
            guard closeLongestIdle(of: role) else {
                return count(of: role) < limit + ServerConfiguration.probeConnections
            }
        }
        return true
    }

    /// Adds a connection.
    ///
    /// - Returns: Whether the connection is one more than there are places.
    func add(_ connection: Connection) -> Bool {
        let role = connection.listener.role
        return state.withLock { state in
            state.open[ObjectIdentifier(connection)] = connection
            state.counts[role, default: 0] += 1
            return state.counts[role, default: 0] > limit(of: role)
        }
    }

    func remove(_ connection: Connection) {
        state.withLock { state in
            guard state.open.removeValue(forKey: ObjectIdentifier(connection)) != nil, !connection.isLeaving else {
                return
            }
            state.counts[connection.listener.role, default: 0] -= 1
        }
    }

    /// Whether more connections of a kind are open than there are places.
    func isCrowded(_ role: ListenerRole) -> Bool { count(of: role) > limit(of: role) }

    /// Closes the connection that has waited longest for a request, if any waits.
    ///
    /// - Parameter role: The kind of the connection; nil for either.
    /// - Returns: Whether there was such a connection.
    /// - Complexity: O(n log n) for n open connections, so it is called only if room is short.
    @discardableResult
    func closeLongestIdle(of role: ListenerRole? = nil) -> Bool {
        let idle = state.withLock { Array($0.open.values) }.compactMap { connection in
            role == nil || connection.listener.role == role ? connection.idleSince.map { ($0, connection) } : nil
        }
        for (_, connection) in idle.sorted(by: { $0.0 < $1.0 }) {
            let isLeaving = state.withLock { state in
                guard state.open[ObjectIdentifier(connection)] != nil, connection.leave() else { return false }
                state.counts[connection.listener.role, default: 0] -= 1
                return true
            }
            if isLeaving { return true }
        }
        return false
    }

    /// Closes the connections that have waited for a request since before a deadline, in nanoseconds of uptime.
    func expire(before deadline: UInt64) {
        for connection in state.withLock({ Array($0.open.values) }) { connection.expire(before: deadline) }
    }
}
