package import ServiceInterface

/// The end of a handler: a response, or the problem that the client is told of.
package typealias Answer = Result<Response, Problem>

/// Takes the body of one request and answers at its end.
///
/// A handler is like a ``BodySink``, except that it may throw. The ``HandlerSink`` around it then remembers the
/// problem, drops the rest of the body, and answers with the problem.
package protocol RequestHandler: AnyObject {
    /// Takes the next bytes of the body, which are valid during the call.
    ///
    /// - Throws: The problem that the client is told of.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// Tells the handler that the body is complete. The handler gives the answer once, from any thread, before or after
    /// it returns from here.
    func finish(_ answer: @escaping @Sendable (Answer) -> Void)

    /// Tells the handler that the body will not be completed, or that a problem was found in it: the handler has to
    /// undo what it has begun.
    func abandon()

    /// Is called, from any thread, if the client hangs up while it waits for its answer; nil if the request goes on
    /// without its client, as one does whose answer is there soon. It is read just before ``finish(_:)``.
    var departure: (@Sendable () -> Void)? { get }
}

extension RequestHandler {
    package var departure: (@Sendable () -> Void)? { nil }

    /// The ``departure`` of a request that ends with its client and has nothing to undo.
    package static var departed: @Sendable () -> Void { {} }
}
