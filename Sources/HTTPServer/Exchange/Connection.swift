import CMicroHTTPD
import CRefusals
import CSockets
import Dispatch
import Glibc
import Memory
import ServiceInterface
import Synchronization

/// The connection of a client, from when it is accepted until just before libmicrohttpd closes its socket.
///
/// Once the library has closed a socket, the system may give its number to another. The number is therefore used only
/// under a lock under which the connection is still open: see ``withDescriptor(_:)``.
///
/// The library closes some connections without completing their requests. 0.9.75 does so if a second fault appears in a
/// request that it is refusing already, and if `epoll_ctl` fails (`src/microhttpd/connection.c`,
/// `transmit_error_response_len` and `MHD_connection_epoll_update_`). A connection therefore holds the exchange of its
/// request, and completes it at the latest when it ends itself.
///
/// `@unchecked Sendable`: only the connection's daemon thread touches `exchange` and `lingers`.
@safe
final class Connection: @unchecked Sendable {
    private struct State {
        var isOpen = true
        /// Since when the connection has waited for a request, in nanoseconds of uptime; nil while it has one.
        var waitsSince: UInt64? = DispatchTime.now().uptimeNanoseconds
        /// Since when the head of a request has been arriving, on the same clock; nil if none is.
        var headSince: UInt64?
        /// Whether all places were taken when the client connected.
        var wasOneTooMany = false
        /// Whether the connection is being closed to make room for another.
        var isLeaving = false
    }

    let listener: Listener
    var core: ServerCore { listener.core }
    /// The library's handle of the connection.
    let handle: OpaquePointer
    /// The IP address of the client, or its network (/64) if the address is of version 6, because one person can use
    /// all addresses of such a network; nil for a Unix socket.
    let peer: String?
    /// Opens the process of the client; nil if this is no Unix socket.
    var process: IncomingRequest.Process? {
        guard peer == nil else { return nil }
        return { [self] () throws(ForeignProcess.Refusal) in
            let opened: Swift.Result<ForeignProcess, ForeignProcess.Refusal>? = withDescriptor { descriptor in
                Swift.Result { () throws(ForeignProcess.Refusal) in try ForeignProcess(connectedBy: descriptor) }
            }
            guard let opened else { throw ForeignProcess.Refusal(code: ESRCH) }
            return try opened.get()
        }
    }
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

    /// Calls `action` with the connection's socket, which stays this connection's while `action` runs.
    ///
    /// - Returns: The result of `action`; nil if the library has closed the connection or is about to.
    func withDescriptor<Result: Sendable>(_ action: (Int32) -> Result) -> Result? {
        state.withLock { $0.isOpen ? action(descriptor) : nil }
    }

    /// Whether the client has closed its sending side or reset the connection. The answer does not turn from true to
    /// false.
    var hasHungUp: Bool { withDescriptor { segscore_has_hung_up($0) != 0 } ?? true }

    /// Whether the socket has nothing more to read and never will.
    var isAtEnd: Bool { withDescriptor { segscore_peek($0) == 0 } ?? false }

    /// Has TCP acknowledge the bytes that have been read.
    ///
    /// - Returns: Whether the socket can do so.
    func acknowledge() -> Bool { withDescriptor { segscore_acknowledge($0) == 0 } ?? false }

    /// Shuts the receiving side down.
    func endReceiving() {
        _ = withDescriptor { segscore_end_receiving($0) }
    }

    /// Shuts both sides down behind some last bytes. Bytes for which the socket has no room are dropped.
    func shutDown(behind bytes: [UInt8]) {
        _ = withDescriptor { descriptor in
            unsafe segscore_send_now(descriptor, bytes, bytes.count)
            segscore_end_both(descriptor)
        }
    }

    /// Since when the connection has waited for a request or for the rest of its head, in nanoseconds of uptime; nil
    /// while it has a request, and if it is being closed.
    var idleSince: UInt64? { state.withLock { $0.isOpen && !$0.isLeaving ? $0.waitsSince ?? $0.headSince : nil } }

    /// Whether the connection is being closed to make room for another.
    var isLeaving: Bool { state.withLock { $0.isLeaving } }

    /// Whether the connection still has no place, so that only probes are answered on it.
    var isCrowded: Bool { state.withLock { $0.wasOneTooMany } && core.connections.isCrowded(listener.role) }

    /// Notes that the head of the request has arrived.
    func headIsIn() {
        state.withLock { $0.headSince = nil }
    }

    /// Closes the connection if it waits for a request or for the rest of its head, and if no bytes have come that the
    /// library has not read.
    ///
    /// - Returns: Whether the connection is being closed; true only once.
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

    /// The size that the head of the current request has on the wire, in bytes.
    var headSize: Int { unsafe segscore_mhd_head_size(handle) }

    /// Calls `take` with the name and the value of each field of the current request, until it returns false.
    @unsafe
    func forEachField(_ take: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool) {
        unsafe withoutActuallyEscaping(take) { take in
            var visitor = unsafe FieldVisitor(take: take)
            unsafe withUnsafeMutablePointer(to: &visitor) { visitor in
                _ = unsafe MHD_get_connection_values_n(handle, .HEADER_KIND, visitField, visitor)
            }
        }
    }

    /// Has the library leave the connection alone until it is resumed.
    ///
    /// Has to be called on the daemon thread, in a callback of the library about this connection.
    func suspend() {
        unsafe MHD_suspend_connection(handle)
    }

    /// Has the library go on with the connection. It must be suspended, because only then the library is sure to keep
    /// it.
    func resume() {
        unsafe MHD_resume_connection(handle)
    }

    /// Makes the exchange of a request whose first line has arrived. It lives until ``completeRequest()``.
    ///
    /// - Parameter target: The target of the request, not yet unescaped.
    @unsafe
    func beginRequest(target: UnsafePointer<CChar>?) -> Exchange {
        completeRequest()
        state.withLock { ($0.waitsSince, $0.headSince) = (nil, DispatchTime.now().uptimeNanoseconds) }
        let exchange = unsafe Exchange(connection: self, target: target)
        self.exchange = exchange
        return exchange
    }

    /// Completes the current request, if there is one. The library is done with it.
    func completeRequest() {
        guard let exchange else { return }
        self.exchange = nil
        // This comes first: a thread that finds no request under way must also find that the connection waits.
        state.withLock { ($0.waitsSince, $0.headSince) = (DispatchTime.now().uptimeNanoseconds, nil) }
        exchange.complete()
    }

    /// Answers in place of the library, which is about to refuse the request in words of its own.
    ///
    /// - Parameter status: The status that the library would answer with.
    func refuse(libraryStatus status: UInt32) {
        let refusal = ServerRefusal(libraryStatus: status, core.configuration)
        // The fault may lie in the first line, so that there is no exchange yet.
        let exchange = unsafe exchange ?? beginRequest(target: nil)
        exchange.refuse(refusal)
    }

    /// Sends an answer without the library, as the last of the connection.
    ///
    /// Has to be called on the daemon thread, in a callback of the library about this connection.
    func sendLast(_ bytes: [UInt8]) {
        unsafe segscore_send_last(handle, bytes, bytes.count)
        lingerAtEnd()
    }

    /// Keeps the socket open for a while after its last answer, because the client may still be sending.
    func lingerAtEnd() {
        lingers = true
    }

    /// Ends the connection. The library closes the socket next.
    func end() {
        completeRequest()
        if lingers {
            let descriptor = segscore_duplicate(descriptor)
            if descriptor >= 0 { core.lingering.add(descriptor) }
        }
        state.withLock { $0.isOpen = false }
        core.connections.remove(self)
    }

    /// Shuts the socket down if it has waited for a request since before a deadline, and the library then closes it.
    ///
    /// - Parameter deadline: In nanoseconds of uptime.
    func expire(before deadline: UInt64) {
        state.withLock { state in
            guard state.isOpen, let since = state.waitsSince, since < deadline else { return }
            segscore_end_both(descriptor)
        }
    }
}

/// The context of `visitField`, valid during one call of ``Connection/forEachField(_:)``.
@unsafe
private struct FieldVisitor {
    let take: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
}

/// `MHD_KeyValueIteratorN`.
private func visitField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let visitor = unsafe context?.assumingMemoryBound(to: FieldVisitor.self) else { return .NO }
    let name = unsafe UnsafeRawBufferPointer(start: name, count: nameCount)
    let value = unsafe UnsafeRawBufferPointer(start: value, count: valueCount)
    return unsafe visitor.pointee.take(name, value) ? .YES : .NO
}
