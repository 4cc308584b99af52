import CSockets
import Dispatch
import Glibc

/// Notices clients that hang up while they wait for an answer, because libmicrohttpd does not look at suspended
/// connections.
///
/// A client has hung up if it has closed its sending side or reset the connection. Closing the sending side does not
/// say whether the client still reads: TCP tells a closed socket from a half-closed one only once something is sent.
/// Like nginx, the server takes both for a hang-up.
///
/// `@unchecked Sendable`: the source is set up in `init`, ended in `deinit`, and not touched in between. All else is
/// immutable.
final class HangUpWatch: @unchecked Sendable {
    /// An epoll set, which is readable while one of its connections has an event that has not been taken; -1 if the
    /// system gave none.
    private let set = segscore_hang_ups_new()
    private let source: (any DispatchSourceRead)?

    /// - Parameter requests: The requests that may wait. When an event is taken, its key may belong to another request
    ///   by then, so ``Exchange/noticeHangUp()`` has to prove that the client has left.
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

    /// Watches the connection of a request for one hang-up, including one that has come already.
    ///
    /// The watch need not be ended: a hang-up for which nobody waits is ignored, and a descriptor that is closed leaves
    /// the set. If the system has no memory for the watch, the hang-up is noticed when the answer is sent.
    func watch(_ connection: Connection, for exchange: Exchange) {
        let key = InFlight.key(of: exchange)
        _ = connection.withDescriptor { segscore_hang_ups_add(set, $0, key) }
    }
}
