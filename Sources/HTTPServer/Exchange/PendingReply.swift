import ServiceInterface
import Synchronization

/// A request's ``ReplyGate``, and the connection that is suspended until the answer is there.
///
/// Both the suspension and the resumption happen with the lock held, so that they come in this order, and a
/// connection is only resumed while it is suspended, which is while the library keeps it.
final class PendingReply: Sendable {
    private let connection: Connection
    private let gate = Mutex(ReplyGate())

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Takes the answer, once and from any thread; what comes later is dropped.
    ///
    /// - Returns: Whether the answer is the one that the client gets.
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

    /// Says what the handler has to do, and suspends the connection where it has to wait.
    ///
    /// - Parameter whenSuspended: Called with the lock held once the connection is suspended.
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

    /// An answer that came although nobody was asked: the server is being stopped.
    func collectEarly() -> Response? {
        gate.withLock { $0.collectEarly() }
    }

    /// Calls `action` with the lock held, where the request is not in yet and nobody has answered it.
    func whileOpen(_ action: () -> Void) {
        gate.withLock { gate in
            if gate.isOpen { action() }
        }
    }

    /// Gives a request up that is not in yet, and calls `action` with the lock held.
    func expire(if isExpired: () -> Bool, _ action: () -> Void) {
        gate.withLock { gate in
            if gate.expire(if: isExpired) { action() }
        }
    }

    /// Ends the wait of a suspended connection whose client has left.
    ///
    /// - Returns: Whether it has.
    func leave(if hasLeft: () -> Bool) -> Bool {
        gate.withLock { gate in
            guard gate.leave(if: hasLeft) else { return false }
            connection.resume()
            return true
        }
    }

    /// The library is done with the request.
    func close() {
        gate.withLock { $0.close() }
    }
}
