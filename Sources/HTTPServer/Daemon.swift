import CMicroHTTPD
import CRefusals
import Glibc
import Logging
import Threads

/// A libmicrohttpd daemon with its listening socket and its threads.
///
/// `@unchecked Sendable`: no member changes between the start and the end, and libmicrohttpd only reads the options.
@safe
final class Daemon: @unchecked Sendable {
    /// Proves that TLS can be served with a certificate and its key.
    ///
    /// - Throws: ``ServerError/tlsUnsupported`` or ``ServerError/tlsIdentity``.
    static func check(_ identity: TLSIdentity) throws(ServerError) {
        guard MHD_is_feature_supported(.FEATURE_TLS) == .YES else { throw .tlsUnsupported }
        guard unsafe segscore_mhd_takes_tls(identity.certificate, identity.key) != 0 else { throw .tlsIdentity }
    }

    let socket: ListeningSocket
    let listener: Listener
    private let handle: OpaquePointer
    private let options: UnsafeMutablePointer<segscore_mhd_options>

    /// Begins to listen and to answer.
    ///
    /// - Throws: ``ServerError/daemon(address:)`` if libmicrohttpd does not start.
    init(_ socket: ListeningSocket, listener: Listener) throws(ServerError) {
        let configuration = listener.core.configuration
        self.socket = socket
        self.listener = listener
        let tls = listener.isSecure ? configuration.tls : nil
        unsafe segscore_on_library_refusal(refuseInOurWords)
        unsafe options = .allocate(capacity: 1)
        unsafe options.initialize(
            to: segscore_mhd_options(
                context: Unmanaged.passUnretained(listener).toOpaque(), admit: admit, connection: connectionChanged,
                target: beginExchange, handle: handleExchange, complete: completeExchange, log: logMessage,
                listening_socket: socket.descriptor, threads: UInt32(configuration.threads),
                // This limit is never reached, because `admit` refuses connections at the server's own. At its own
                // limit the library would take the listening socket out of its epoll sets, and a retired socket does
                // not survive that.
                connections: UInt32(Int32.max),
                connections_per_address: UInt32(configuration.maxConnectionsPerAddress),
                // The library closes without a word, so it has to come second, after the answer of ``ServerCore``.
                idle_seconds: configuration.idleTimeout > 0 ? UInt32(configuration.idleTimeout) + 2 : 0,
                connection_buffer_bytes: configuration.connectionBufferBytes,
                tls_certificate: tls.flatMap { unsafe $0.certificate.copiedToC() },
                tls_key: tls.flatMap { unsafe $0.key.copiedToC() }))
        // If their copies found no memory, the daemon would start without TLS.
        let hasIdentity = unsafe options.pointee.tls_certificate != nil && options.pointee.tls_key != nil
        guard hasIdentity == (tls != nil), let handle = unsafe segscore_mhd_start(options) else {
            unsafe Self.free(options)
            throw .daemon(address: socket.address)
        }
        unsafe self.handle = handle
        socket.adopted()
    }

    /// Ends the daemon's threads and closes its connections. None of them may stay suspended.
    deinit {
        socket.retire()
        unsafe MHD_stop_daemon(handle)
        unsafe Self.free(options)
    }

    @unsafe
    private static func free(_ options: UnsafeMutablePointer<segscore_mhd_options>) {
        unsafe Glibc.free(UnsafeMutablePointer(mutating: options.pointee.tls_certificate))
        unsafe Glibc.free(UnsafeMutablePointer(mutating: options.pointee.tls_key))
        unsafe options.deallocate()
    }
}

extension String {
    /// Copies the text to memory that `free` gives back.
    @unsafe
    fileprivate func copiedToC() -> UnsafePointer<CChar>? {
        unsafe UnsafePointer(strdup(self))
    }
}

// The callbacks of the library. The context of each is the daemon's listener, which outlives the daemon, because the
// daemon holds it.

@unsafe
private func listener(_ context: UnsafeMutableRawPointer?) -> Listener? {
    unsafe context.map { unsafe Unmanaged<Listener>.fromOpaque($0).takeUnretainedValue() }
}

/// `MHD_AcceptPolicyCallback`.
private func admit(
    context: UnsafeMutableRawPointer?, address: UnsafePointer<sockaddr>?, size: socklen_t
) -> MHD_Result {
    guard let listener = unsafe listener(context) else { return .NO }
    return listener.core.admits(listener.role) ? .YES : .NO
}

/// `MHD_NotifyConnectionCallback`. The context of a socket is its ``Connection``.
private func connectionChanged(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let listener = unsafe listener(context), let handle = unsafe connection,
        let socketContext = unsafe socketContext
    else { return }
    switch change {
    case .CONNECTION_NOTIFY_STARTED:
        let connection = unsafe Connection(handle, listener: listener)
        unsafe socketContext.pointee = Unmanaged.passRetained(connection).toOpaque()
    case .CONNECTION_NOTIFY_CLOSED:
        guard let connection = unsafe socketContext.pointee else { return }
        unsafe socketContext.pointee = nil
        DaemonThread.serve { unsafe Unmanaged<Connection>.fromOpaque(connection).takeRetainedValue().end() }
    }
}

@unsafe
private func connection(_ handle: OpaquePointer?) -> Connection? {
    guard let handle = unsafe handle, let context = unsafe segscore_mhd_socket_context(handle) else { return nil }
    return unsafe Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
}

/// Makes the exchange of a request whose first line has arrived. The connection keeps the exchange until the request is
/// completed.
///
/// The target is cut off behind its `?` once it is copied. The library would parse the rest as arguments, which nobody
/// asks it for, and if they are so many that its list of them finds no room, 0.9.75 refuses the request and yet goes on
/// parsing it (`src/microhttpd/connection.c`, `parse_initial_message_line`).
private func beginExchange(
    context: UnsafeMutableRawPointer?, target: UnsafeMutablePointer<CChar>?, connection handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let connection = unsafe connection(handle) else { return nil }
    let exchange = DaemonThread.serve { unsafe connection.beginRequest(target: target) }
    if let target = unsafe target, let mark = unsafe strchr(target, 0x3F), unsafe mark[1] != 0 { unsafe mark[1] = 0 }
    return unsafe Unmanaged.passUnretained(exchange).toOpaque()
}

/// `MHD_AccessHandlerCallback`.
private func handleExchange(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, target: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, bytes: UnsafePointer<CChar>?,
    byteCount: UnsafeMutablePointer<Int>?, request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let method = unsafe method, let target = unsafe target, let version = unsafe version,
        let byteCount = unsafe byteCount, let exchange = unsafe request?.pointee
    else { return .NO }
    let call = unsafe AccessCall(
        method: method, target: target, version: version, bytes: bytes, byteCount: byteCount)
    let step = DaemonThread.serve {
        unsafe Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue().handle(call)
    }
    return step == .goOn ? .YES : .NO
}

/// `MHD_RequestCompletedCallback`. The library calls it for most of the requests that `beginExchange` saw; see
/// ``Connection``.
private func completeExchange(
    context: UnsafeMutableRawPointer?, connection handle: OpaquePointer?,
    request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, reason: MHD_RequestTerminationCode
) {
    unsafe request?.pointee = nil
    DaemonThread.serve { unsafe connection(handle)?.completeRequest() }
}

/// Replaces the page with which the library would refuse a request that it cannot read.
private func refuseInOurWords(connection handle: OpaquePointer?, status: UInt32) {
    DaemonThread.serve { unsafe connection(handle)?.refuse(libraryStatus: status) }
}

/// `MHD_LogCallback`.
private func logMessage(context: UnsafeMutableRawPointer?, message: UnsafePointer<CChar>?) {
    guard let core = unsafe listener(context)?.core, let message = unsafe message else { return }
    let text = unsafe String(cString: message)
    // The log message is the only sign that the library gives of this (`src/microhttpd/daemon.c`,
    // `MHD_accept_connection`).
    if text.hasPrefix("Hit process or system resource limit at") {
        core.runShort(isFirst: text.hasPrefix("Hit process or system resource limit at FIRST"))
    }
    core.configuration.logger.debug("libmicrohttpd", metadata: ["message": "\(text)"])
}
