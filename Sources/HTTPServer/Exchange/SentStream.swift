import ServiceInterface
import Synchronization

/// A streamed body on its way out over one connection, which is suspended while there is nothing to send.
///
/// The connection is suspended and resumed with the lock held, so that they come in this order; and only until it is
/// closed.
final class SentStream: Sendable {
    /// What the library gets when it asks for the next bytes.
    enum Piece {
        /// So many were copied.
        case bytes(Int)
        /// There are none yet, and the connection is suspended.
        case later
        case end
        /// The stream breaks off.
        case cut
    }

    private enum State {
        case reading
        case suspended
        case closed
    }

    private let stream: ByteStream
    private let connection: Connection
    private let state = Mutex(State.reading)
    private let whenSuspended: @Sendable () -> Void
    private let byteCount = Atomic(0)

    /// - Parameter whenSuspended: Called with the connection suspended, each time that it is.
    init(_ stream: ByteStream, on connection: Connection, whenSuspended: @escaping @Sendable () -> Void) {
        self.stream = stream
        self.connection = connection
        self.whenSuspended = whenSuspended
    }

    /// How many bytes of the stream the library has taken.
    var sentBytes: Int { byteCount.load(ordering: .relaxed) }

    /// Copies what there is, or suspends the connection until there is more.
    @unsafe
    func read(into target: UnsafeMutableRawBufferPointer) -> Piece {
        state.withLock { state in
            switch stream.next(limit: target.count, wake: { self.resume() }) {
            case .bytes(let bytes):
                unsafe target.copyBytes(from: bytes)
                byteCount.add(bytes.count, ordering: .relaxed)
                return .bytes(bytes.count)
            case .later:
                connection.suspend()
                state = .suspended
                whenSuspended()
                return .later
            case .end:
                return .end
            case .cut:
                return .cut
            }
        }
    }

    private func resume() {
        state.withLock { state in
            guard case .suspended = state else { return }
            state = .reading
            connection.resume()
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
