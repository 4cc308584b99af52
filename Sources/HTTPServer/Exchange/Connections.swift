import Synchronization

/// The connections that are open.
///
/// libmicrohttpd closes those that are silent. One whose client sends a byte now and then, and never ends its request's first
/// line, is not, and no ``Exchange`` knows of it: so it is watched here.
final class Connections: Sendable {
    private let open = Mutex<[ObjectIdentifier: Connection]>([:])

    var count: Int { open.withLock { $0.count } }

    func add(_ connection: Connection) {
        open.withLock { $0[ObjectIdentifier(connection)] = connection }
    }

    func remove(_ connection: Connection) {
        open.withLock { $0[ObjectIdentifier(connection)] = nil }
    }

    /// Has those closed that have waited for a request since before a time, in nanoseconds of uptime.
    func expire(before deadline: UInt64) {
        for connection in open.withLock({ Array($0.values) }) { connection.expire(before: deadline) }
    }
}
