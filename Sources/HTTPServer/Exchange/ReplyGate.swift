import ServiceInterface

/// Where the answer to a request is: a value that says what is to be done about the connection, and does nothing
/// itself.
///
/// The sink's answer comes from any thread, before or after the connection is suspended:
///
///     open ─ answer ─> ready ─ handler ─> closed
///     open ─ handler ─> suspended ─ answer ─> ready ─ handler, resumed ─> closed
///                       suspended ─ client hangs up ─> closed ─ handler, resumed, closes the connection
///     open ─ request stops arriving ─> closed
///     any ─ request completed ─> closed
///
/// ``PendingReply`` does what it says.
struct ReplyGate {
    private enum State {
        case open
        case suspended
        case ready(Response)
        case closed
    }

    /// What becomes of an answer that is offered.
    enum Offer: Equatable {
        /// It waits for the handler.
        case keep
        /// It waits for the handler, for whom the connection has to be resumed.
        case resume
        /// Another came before it, or nobody waits any more.
        case drop
    }

    /// What the handler has to do when the whole request is in.
    enum Step {
        case send(Response)
        /// The connection has to be suspended.
        case suspend
        /// The connection is suspended already.
        case wait
        /// The request expired at the last moment, and the socket is shut down; or the client has hung up.
        case close
    }

    private var state = State.open

    /// Whether neither an answer nor the handler has come.
    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// An answer has come, the first of which counts.
    mutating func offer(_ response: Response) -> Offer {
        switch state {
        case .open:
            state = .ready(response)
            return .keep
        case .suspended:
            state = .ready(response)
            return .resume
        case .ready, .closed:
            return .drop
        }
    }

    /// The handler asks for the answer.
    mutating func collect() -> Step {
        switch state {
        case .ready(let response):
            state = .closed
            return .send(response)
        case .open:
            state = .suspended
            return .suspend
        case .suspended:
            return .wait
        case .closed:
            return .close
        }
    }

    /// An answer that came although the handler has not asked: the server is being stopped.
    mutating func collectEarly() -> Response? {
        guard case .ready(let response) = state else { return nil }
        state = .closed
        return response
    }

    /// Gives a request up that is not in yet.
    ///
    /// - Parameter isExpired: Asked only where it is not.
    /// - Returns: Whether it is given up.
    mutating func expire(if isExpired: () -> Bool) -> Bool {
        guard case .open = state, isExpired() else { return false }
        state = .closed
        return true
    }

    /// Ends the wait for an answer that nobody takes.
    ///
    /// - Parameter hasLeft: Asked only where the connection is suspended.
    /// - Returns: Whether the wait is over, for which the connection has to be resumed.
    mutating func leave(if hasLeft: () -> Bool) -> Bool {
        guard case .suspended = state, hasLeft() else { return false }
        state = .closed
        return true
    }

    /// The library is done with the request.
    mutating func close() {
        state = .closed
    }
}
