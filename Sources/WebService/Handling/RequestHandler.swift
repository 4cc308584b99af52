package import ServiceInterface

/// How a handler ends: with a response, or with what the client is told instead.
package typealias Answer = Result<Response, Problem>

/// The side of a handler that takes a body and answers at its end.
///
/// Like a ``BodySink``, except that it may throw: whatever it throws is remembered, the rest of the body dropped, and
/// the problem answered, by the ``HandlerSink`` around it.
package protocol RequestHandler: AnyObject {
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// The body is complete. The answer is given once, at once or later, from any thread.
    func finish(_ answer: @escaping @Sendable (Answer) -> Void)

    /// The body will not be completed, or a problem was found in it: nothing may stay behind.
    func abandon()

    /// What is done where the client hangs up while it waits for its answer; nil where the answer is soon there, and the request
    /// goes on. Asked for ahead of ``finish(_:)``; called on any thread.
    var departure: (@Sendable () -> Void)? { get }
}

extension RequestHandler {
    package var departure: (@Sendable () -> Void)? { nil }

    /// The ``departure`` of a request that ends with its client, and leaves everything as it is.
    package static var departed: @Sendable () -> Void { {} }
}
