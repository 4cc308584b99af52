import ServiceInterface
import Synchronization

/// The connections that are open, and who may have another.
///
/// libmicrohttpd closes those that are silent. One whose client sends a byte now and then, and never ends its request's
/// first line, is not, and no ``Exchange`` knows of it: so it is watched here.
///
/// Administration has places of its own, so that callers cannot take them. Where all places of a kind are taken, the
/// connection that has waited longest for a request makes room. Where each has a request under way, a few more are let
/// in, for which only probes are answered: see ``Connection/isCrowded``.
final class Connections: Sendable {
    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        /// How many of them are not being closed to make room.
        var counts: [ListenerRole: Int] = [:]
    }
    private let state = Mutex(State())
    private let limit: Int

    /// How many are let in beyond the limit.
    static let spares = 16
    /// How many places administration has. Probes and collectors of metrics are few.
    static let administrationLimit = 64

    /// - Parameter limit: How many places callers have, over all listeners.
    init(limit: Int) {
        self.limit = limit
    }

    /// Of both kinds, with those that are being closed.
    var count: Int { state.withLock { $0.open.count } }

    private func limit(of role: ListenerRole) -> Int {
        switch role {
        case .service: limit
        case .administration: Self.administrationLimit
        }
    }

    private func count(of role: ListenerRole) -> Int { state.withLock { $0.counts[role] ?? 0 } }

    /// Whether one more is allowed, for which room is made where that can be had.
    ///
    /// Threads that accept at the same moment may go beyond the limit by one each.
    ///
    /// - Parameter others: How many places are taken by what is no connection any more.
    func admits(_ role: ListenerRole, besides others: Int) -> Bool {
        let limit = limit(of: role) - others
        while count(of: role) >= limit {
            guard closeLongestIdle(of: role) else { return count(of: role) < limit + Self.spares }
        }
        return true
    }

    /// - Returns: Whether the connection is one too many.
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

    /// Whether more connections of a kind are open than have a place.
    func isCrowded(_ role: ListenerRole) -> Bool { count(of: role) > limit(of: role) }

    /// Has the connection closed that has waited longest for a request, if any waits.
    ///
    /// - Parameter role: Nil for any.
    /// - Returns: Whether there was one.
    /// - Complexity: O(n log n) of the open connections; to be called only where room is short.
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

    /// Has those closed that have waited for a request since before a time, in nanoseconds of uptime.
    func expire(before deadline: UInt64) {
        for connection in state.withLock({ Array($0.open.values) }) { connection.expire(before: deadline) }
    }
}
