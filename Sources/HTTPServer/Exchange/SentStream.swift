import CMicroHTTPD
import ServiceInterface
import Synchronization
import Threads

/// A streamed body on its way out over one connection, which is suspended while there is nothing to send.
///
/// `@unchecked Sendable`: the connection is only suspended and resumed, both with the lock held, so that they come in
/// this order; and only until it is closed.
@safe
final class SentStream: @unchecked Sendable {
    private enum State {
        case reading
        case suspended
        case closed
    }

    private let stream: ByteStream
    private let connection: OpaquePointer
    private let state = Mutex(State.reading)
    private let whenSuspended: @Sendable () -> Void
    private let byteCount = Atomic(0)

    /// - Parameter whenSuspended: Called with the connection suspended, each time that it is.
    @unsafe
    init(_ stream: ByteStream, on connection: OpaquePointer, whenSuspended: @escaping @Sendable () -> Void) {
        self.stream = stream
        unsafe self.connection = connection
        self.whenSuspended = whenSuspended
    }

    /// A response that reads the stream. The caller gives it back.
    func makeResponse() -> OpaquePointer? {
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let handle = unsafe MHD_create_response_from_callback(
            UInt64.max, 4096, readSentStream, context, releaseSentStream)
        if unsafe handle == nil { unsafe releaseSentStream(context: context) }
        return unsafe handle
    }

    /// How many bytes of the stream the library has taken.
    var sentBytes: Int { byteCount.load(ordering: .relaxed) }

    /// What `MHD_ContentReaderCallback` returns: how many bytes were copied, 0 for none yet, or the end.
    @unsafe
    fileprivate func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        state.withLock { state in
            switch stream.next(limit: target.count, wake: { self.resume() }) {
            case .bytes(let bytes):
                unsafe target.copyBytes(from: bytes)
                byteCount.add(bytes.count, ordering: .relaxed)
                return bytes.count
            case .later:
                unsafe MHD_suspend_connection(connection)
                state = .suspended
                whenSuspended()
                return 0
            case .end:
                return MHD_CONTENT_READER_END_OF_STREAM
            case .cut:
                // MHD_CONTENT_READER_END_WITH_ERROR, a macro that Swift does not see: closes the connection without the last chunk.
                return -2
            }
        }
    }

    private func resume() {
        state.withLock { state in
            guard case .suspended = state else { return }
            state = .reading
            unsafe MHD_resume_connection(connection)
        }
    }

    /// Ends the body where its client has hung up while there was nothing to send.
    func noticeHangUp(of connection: Connection) {
        let hasLeft = state.withLock { state in
            guard case .suspended = state else { return false }
            return connection.hasHungUp
        }
        if hasLeft { stream.finish() }
    }

    /// Ends the body: the server is being stopped.
    func end() {
        stream.finish()
    }

    /// The library is done with the connection.
    func close() {
        state.withLock { $0 = .closed }
        stream.close()
    }
}

/// `MHD_ContentReaderCallback`.
private func readSentStream(
    context: UnsafeMutableRawPointer?, offset: UInt64, target: UnsafeMutablePointer<CChar>?, count: Int
) -> Int {
    guard let context = unsafe context, let target = unsafe target else { return -2 }
    let sent = unsafe Unmanaged<SentStream>.fromOpaque(context).takeUnretainedValue()
    return DaemonThread.serve {
        unsafe sent.read(into: UnsafeMutableRawBufferPointer(start: target, count: count))
    }
}

/// `MHD_ContentReaderFreeCallback`.
private func releaseSentStream(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<SentStream>.fromOpaque(context).release()
}
