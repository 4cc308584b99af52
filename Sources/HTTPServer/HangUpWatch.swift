import CSockets
import Dispatch
import Glibc

/// Notices clients that hang up while they wait for an answer: libmicrohttpd does not look at a connection that is
/// suspended.
///
/// A client has hung up when it has closed its sending side, or reset the connection. Whether it still reads, it has
/// not said: only when something is sent does TCP tell a socket that was closed from one that was half closed. Like
/// nginx, the server takes both for the same.
///
/// `@unchecked Sendable`: the source is set up in `init`, ended in `deinit`, and not touched in between; the rest is
/// immutable.
final class HangUpWatch: @unchecked Sendable {
    /// An epoll set, which is readable while one of its connections has an event that nobody has taken; -1 where there
    /// is none.
    private let set = segscore_hang_ups_new()
    private let source: (any DispatchSourceRead)?

    /// - Parameter requests: Those that may wait. By the time of an event another may have the key, so it is for
    ///   ``Exchange/noticeHangUp()`` to prove that its client has left.
    init(_ requests: InFlight) {
        guard set >= 0 else {
            source = nil
            return
        }
        let source = DispatchSource.makeReadSource(
            fileDescriptor: set, queue: DispatchQueue(label: "segscore.hang-ups"))
        source.setEventHandler { [set] in
            var key: UInt64 = 0
            while unsafe segscore_hang_ups_take(set, &key) != 0 { requests[key]?.noticeHangUp() }
        }
        source.setCancelHandler { [set] in close(set) }
        source.activate()
        self.source = source
    }

    deinit {
        source?.cancel()
    }

    /// Watches a request's connection for one hang-up, also one that has come already.
    ///
    /// It need not be ended: a hang-up that nobody waits for is passed over, and a descriptor that is closed leaves the
    /// set. Where the system has no memory for it, the hang-up is noticed when the answer is sent.
    func watch(_ connection: Connection, for exchange: Exchange) {
        let key = InFlight.key(of: exchange)
        _ = connection.withDescriptor { segscore_hang_ups_add(set, $0, key) }
    }
}
