import CMicroHTTPD
import CRefusals
import CSockets
import Dispatch
import Glibc
import Synchronization

/// A client's connection, from when it is accepted until just before libmicrohttpd closes its socket.
///
/// The number of a socket means another one as soon as the library has closed it, so it is used under a lock with which
/// the connection is still open: see ``withDescriptor(_:)``.
///
/// The library closes some connections without a word about their requests: 0.9.75 where a second thing is wrong with a
/// request that it is refusing, or where `epoll_ctl` fails (`src/microhttpd/connection.c`,
/// `transmit_error_response_len` and `MHD_connection_epoll_update_`). So a connection holds its request's exchange, and
/// completes it at the latest when it ends.
///
/// `@unchecked Sendable`: `exchange` and `lingers` are touched by the connection's daemon thread alone.
@safe
final class Connection: @unchecked Sendable {
    private struct State {
        var isOpen = true
        /// Since when it waits for a request, in nanoseconds of uptime; nil while there is one.
        var waitsSince: UInt64? = DispatchTime.now().uptimeNanoseconds
        /// Since when the head of a request is on its way, on the same clock; nil where none is.
        var headSince: UInt64?
        /// Whether all places were taken when it came.
        var wasOneTooMany = false
        /// Whether it is being closed to make room for another.
        var isLeaving = false
    }

    let listener: Listener
    var core: ServerCore { listener.core }
    let handle: OpaquePointer
    /// The IP address of the client, of version 6 the network (/64), since a person has as many as they like; nil where
    /// it did not come by TCP.
    let peer: String?
    private let descriptor: Int32
    private let state = Mutex(State())
    private var exchange: Exchange?
    private var lingers = false

    @unsafe
    init(_ handle: OpaquePointer, listener: Listener) {
        self.listener = listener
        unsafe self.handle = handle
        unsafe descriptor = segscore_mhd_descriptor(handle)
        peer = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard unsafe segscore_mhd_peer(handle, text.baseAddress, socklen_t(text.count)) != 0 else { return nil }
            return unsafe text.baseAddress.map { unsafe String(cString: $0) }
        }
        let wasOneTooMany = listener.core.connections.add(self)
        if wasOneTooMany { state.withLock { $0.wasOneTooMany = true } }
    }

    /// Calls `action` with the connection's socket, which stays this connection's while that runs.
    ///
    /// - Returns: What `action` returns; nil where the library has closed the connection, or is about to.
    func withDescriptor<Result: Sendable>(_ action: (Int32) -> Result) -> Result? {
        state.withLock { $0.isOpen ? action(descriptor) : nil }
    }

    /// Whether the client has closed its sending side, or reset the connection. True does not turn false again.
    var hasHungUp: Bool { withDescriptor { segscore_has_hung_up($0) != 0 } ?? true }

    /// Whether the socket has nothing more to read and never will.
    var isAtEnd: Bool { withDescriptor { segscore_peek($0) == 0 } ?? false }

    /// Has TCP acknowledge what has been read.
    ///
    /// - Returns: Whether it does.
    func acknowledge() -> Bool { withDescriptor { segscore_acknowledge($0) == 0 } ?? false }

    /// Ends the reading.
    func endReceiving() {
        _ = withDescriptor { segscore_end_receiving($0) }
    }

    /// Ends both directions behind some last bytes, of which those go out for which there is room.
    func shutDown(behind bytes: [UInt8]) {
        _ = withDescriptor { descriptor in
            unsafe segscore_send_now(descriptor, bytes, bytes.count)
            segscore_end_both(descriptor)
        }
    }

    /// Since when it waits for a request or the rest of its head, in nanoseconds of uptime; nil while there is one, and
    /// where it is being closed.
    var idleSince: UInt64? { state.withLock { $0.isOpen && !$0.isLeaving ? $0.waitsSince ?? $0.headSince : nil } }

    var isLeaving: Bool { state.withLock { $0.isLeaving } }

    /// Whether it has no place still, so that only probes are answered on it.
    var isCrowded: Bool { state.withLock { $0.wasOneTooMany } && core.connections.isCrowded(listener.role) }

    /// The head of its request is in.
    func headIsIn() {
        state.withLock { $0.headSince = nil }
    }

    /// Has a connection that waits for a request, or the rest of its head, closed, unless bytes of one are there that
    /// nobody has read.
    ///
    /// - Returns: Whether it is; true once.
    func leave() -> Bool {
        state.withLock { state in
            guard state.isOpen, !state.isLeaving, state.waitsSince ?? state.headSince != nil,
                segscore_peek(descriptor) <= 0
            else { return false }
            state.isLeaving = true
            segscore_end_both(descriptor)
            return true
        }
    }

    /// The size of the head of the request that there is, on the wire.
    var headSize: Int { unsafe segscore_mhd_head_size(handle) }

    /// Has the library leave the connection alone until it is resumed.
    ///
    /// To be called on the daemon thread, in a callback of the library about this connection.
    func suspend() {
        unsafe MHD_suspend_connection(handle)
    }

    /// Has the library go on with the connection, which must be suspended, so that the library keeps it.
    func resume() {
        unsafe MHD_resume_connection(handle)
    }

    /// Makes the exchange of a request whose first line is in. It lives until ``completeRequest()``.
    ///
    /// - Parameter target: The request's target, not yet unescaped.
    @unsafe
    func beginRequest(target: UnsafePointer<CChar>?) -> Exchange {
        completeRequest()
        state.withLock { ($0.waitsSince, $0.headSince) = (nil, DispatchTime.now().uptimeNanoseconds) }
        let exchange = unsafe Exchange(connection: self, target: target)
        self.exchange = exchange
        return exchange
    }

    /// The library is done with the request that there is, if any.
    func completeRequest() {
        guard let exchange else { return }
        self.exchange = nil
        // First, so that whoever sees that no request is under way finds that the connection waits.
        state.withLock { ($0.waitsSince, $0.headSince) = (DispatchTime.now().uptimeNanoseconds, nil) }
        exchange.complete()
    }

    /// The library is about to refuse, in its own words, what has come: the client is answered in ours instead.
    ///
    /// - Parameter status: The library's.
    func refuse(libraryStatus status: UInt32) {
        let refusal = ServerRefusal(libraryStatus: status, core.configuration)
        // Not even the first line may be in.
        let exchange = unsafe exchange ?? beginRequest(target: nil)
        exchange.refuse(refusal)
    }

    /// Sends an answer past the library, as the last one.
    ///
    /// To be called on the daemon thread, in a callback of the library about this connection.
    func sendLast(_ bytes: [UInt8]) {
        unsafe segscore_send_last(handle, bytes, bytes.count)
        lingerAtEnd()
    }

    /// The client may still be sending when its last answer is out.
    func lingerAtEnd() {
        lingers = true
    }

    /// The library closes the socket next.
    func end() {
        completeRequest()
        if lingers {
            let descriptor = segscore_duplicate(descriptor)
            if descriptor >= 0 { core.lingering.add(descriptor) }
        }
        state.withLock { $0.isOpen = false }
        core.connections.remove(self)
    }

    /// Shuts the socket down where it has waited for a request since before a time, in nanoseconds of uptime; the
    /// library then closes it.
    func expire(before deadline: UInt64) {
        state.withLock { state in
            guard state.isOpen, let since = state.waitsSince, since < deadline else { return }
            segscore_end_both(descriptor)
        }
    }
}
