import HTTPTypes
import Jobs
import JobStorage
import ServiceInterface
import WebService

/// A `POST /score` whose key is known. Its body is compared with that of the earlier request, and it is answered with
/// that request's job.
final class RepeatedRequestHandler: RequestHandler {
    private let reply: ScoreReply
    private let fingerprint: RequestFingerprint
    private var found: RequestFingerprint

    init(_ request: IncomingRequest, _ reply: ScoreReply, _ fingerprint: RequestFingerprint) {
        self.reply = reply
        self.fingerprint = fingerprint
        found = RequestFingerprint(request)
    }

    func receive(_ bytes: borrowing Span<UInt8>) {
        found.update(bytes)
    }

    func abandon() {}

    /// The job belongs to the earlier request, so it goes on if this client leaves.
    var departure: (@Sendable () -> Void)? { reply.waits ? Self.departed : nil }

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        guard found == fingerprint else { return answer(.failure(.idempotencyKeyReused)) }
        let reply = reply
        guard reply.waits else { return answer(Answer { () throws(Problem) in try reply.accepted() }) }
        // If the job has ended already, the closure runs at once, on the thread that reads the body.
        reply.service.queue.whenFinal(reply.job, timeout: reply.timeout) { job in
            reply.service.encode(answer) { () throws(Problem) in try reply.response(to: job) }
        }
    }
}

extension Problem {
    static let idempotencyKeyReused = Problem(
        .idempotencyKeyReused, "The Idempotency-Key came with another request before.",
        parameter: "Idempotency-Key", expected: "the same target and body, or another key")
}
