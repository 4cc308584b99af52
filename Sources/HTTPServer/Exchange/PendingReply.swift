import ServiceInterface
import Synchronization

/// The ``ReplyGate`` of a request, with the connection that stays suspended until the answer is there.
///
/// The connection is suspended and resumed with the lock held. That keeps the two in order, and ensures that a
/// connection is resumed only while it is suspended, which is as long as the library is sure to keep it.
final class PendingReply: Sendable {
    private let connection: Connection
    private let gate = Mutex(ReplyGate())

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Takes the answer, once and from any thread. Answers that come later are dropped.
    ///
    /// - Returns: Whether the client gets this answer.
    func answer(_ response: Response) -> Bool {
        gate.withLock { gate in
            switch gate.offer(response) {
            case .keep: break
            case .resume: connection.resume()
            case .drop: return false
            }
            return true
        }
    }

    /// Takes the answer for the library's access handler, or suspends the connection if there is none.
    ///
    /// - Parameter whenSuspended: Is called with the lock held, once the connection is suspended.
    /// - Returns: What the access handler has to do.
    func collect(whenSuspended: () -> Void) -> ReplyGate.Step {
        gate.withLock { gate in
            let step = gate.collect()
            if case .suspend = step {
                connection.suspend()
                whenSuspended()
            }
            return step
        }
    }

    /// Takes an answer that came before the sink was asked for one, because the server is being stopped.
    func collectEarly() -> Response? {
        gate.withLock { $0.collectEarly() }
    }

    /// Calls `action` with the lock held if the request is incomplete and nobody has answered it.
    func whileOpen(_ action: () -> Void) {
        gate.withLock { gate in
            if gate.isOpen { action() }
        }
    }

    /// Gives an incomplete request up if it has expired, and then calls `action` with the lock held.
    func expire(if isExpired: () -> Bool, _ action: () -> Void) {
        gate.withLock { gate in
            if gate.expire(if: isExpired) { action() }
        }
    }

    /// Ends the wait of a suspended connection if its client has left.
    ///
    /// - Returns: Whether the client has left.
    func leave(if hasLeft: () -> Bool) -> Bool {
        gate.withLock { gate in
            guard gate.leave(if: hasLeft) else { return false }
            connection.resume()
            return true
        }
    }

    /// Closes the gate. The library is done with the request.
    func close() {
        gate.withLock { $0.close() }
    }
}
