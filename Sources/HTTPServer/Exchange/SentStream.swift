import ServiceInterface
import Synchronization

/// A streamed body that is being sent over a connection. The connection is suspended while there is nothing to send.
///
/// The connection is suspended and resumed with the lock held, so that the two stay in order, and is left alone once it
/// is closed.
final class SentStream: Sendable {
    /// What the library gets when it asks for the next bytes.
    enum Piece {
        /// This many bytes were copied.
        case bytes(Int)
        /// There are no bytes yet, and the connection is suspended.
        case later
        case end
        /// The stream breaks off before its end.
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

    /// - Parameter whenSuspended: Is called each time that the connection has been suspended.
    init(_ stream: ByteStream, on connection: Connection, whenSuspended: @escaping @Sendable () -> Void) {
        self.stream = stream
        self.connection = connection
        self.whenSuspended = whenSuspended
    }

    /// How many bytes of the stream the library has taken.
    var sentBytes: Int { byteCount.load(ordering: .relaxed) }

    /// Copies the bytes that there are, or suspends the connection until there are more.
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

    /// Ends the body if its client has hung up while there was nothing to send.
    func noticeHangUp(of connection: Connection) {
        let hasLeft = state.withLock { state in
            guard case .suspended = state else { return false }
            return connection.hasHungUp
        }
        if hasLeft { stream.finish() }
    }

    /// Ends the body because the server is being stopped.
    func end() {
        stream.finish()
    }

    /// Closes the stream. The library is done with the connection.
    func close() {
        state.withLock { $0 = .closed }
        stream.close()
    }
}
