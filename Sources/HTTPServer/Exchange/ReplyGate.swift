import ServiceInterface

/// The way of an answer from the sink, which may give it on any thread, to libmicrohttpd's access handler.
///
/// The gate is a value that says what has to be done about the connection, and does nothing itself. ``PendingReply``
/// does it. The answer may come before or after the connection is suspended:
///
///     open ─ answer ─> ready ─ handler ─> closed
///     open ─ handler ─> suspended ─ answer ─> ready ─ handler, resumed ─> closed
///                       suspended ─ client hangs up ─> closed ─ handler, resumed, closes the connection
///     open ─ request stops arriving ─> closed
///     any ─ request completed ─> closed
///
/// "Handler" is the library's access handler here.
struct ReplyGate {
    private enum State {
        case open
        case suspended
        case ready(Response)
        case closed
    }

    /// The fate of an answer that is offered.
    enum Offer: Equatable {
        /// The answer waits for the handler.
        case keep
        /// The answer waits for the handler, and the connection has to be resumed so that the handler is called.
        case resume
        /// The answer is dropped: another came first, or nobody waits any more.
        case drop
    }

    /// What the handler has to do once the whole request has arrived.
    enum Step {
        /// It sends this answer.
        case send(Response)
        /// It suspends the connection.
        case suspend
        /// It waits: the connection is suspended already.
        case wait
        /// It closes the connection: the request expired at the last moment, and its socket is shut down, or the client
        /// has hung up.
        case close
    }

    private var state = State.open

    /// Whether neither an answer nor the handler has come yet.
    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// Offers an answer. The first one counts.
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

    /// Asks for the answer on behalf of the handler.
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

    /// Takes an answer that came before the handler asked, because the server is being stopped.
    mutating func collectEarly() -> Response? {
        guard case .ready(let response) = state else { return nil }
        state = .closed
        return response
    }

    /// Gives an incomplete request up.
    ///
    /// - Parameter isExpired: Is asked only if the request is incomplete.
    /// - Returns: Whether the request is given up.
    mutating func expire(if isExpired: () -> Bool) -> Bool {
        guard case .open = state, isExpired() else { return false }
        state = .closed
        return true
    }

    /// Ends the wait for an answer that nobody will take.
    ///
    /// - Parameter hasLeft: Is asked only if the connection is suspended.
    /// - Returns: Whether the wait is over, so that the connection has to be resumed.
    mutating func leave(if hasLeft: () -> Bool) -> Bool {
        guard case .suspended = state, hasLeft() else { return false }
        state = .closed
        return true
    }

    /// Closes the gate. The library is done with the request.
    mutating func close() {
        state = .closed
    }
}
