import HTTPTypes
import Jobs
import ServiceInterface
import Synchronization

/// The scoring requests that named themselves by an `Idempotency-Key`, so that one which comes again makes no second job.
///
/// A key is known as long as its job is.
///
/// - SeeAlso: draft-ietf-httpapi-idempotency-key-header.
final class IdempotencyKeys: Sendable {
    private struct Entry {
        let job: JobID
        /// Nil while the body arrives.
        var fingerprint: RequestFingerprint?
    }

    /// From so many keys on those are dropped whose jobs are forgotten.
    private static let sweepingCount = 4096

    private let entries = Mutex<[String: Entry]>([:])

    /// The job that a key stands for, and the request that it came with; nil for a new key.
    ///
    /// - Parameters:
    ///   - isKnown: Whether a job is still known.
    /// - Throws: 409 while the request that came with it before is arriving.
    func job(
        of key: String, where isKnown: (JobID) -> Bool
    ) throws(Problem) -> (id: JobID, fingerprint: RequestFingerprint)? {
        guard let entry = entries.withLock({ $0[key] }), isKnown(entry.job) else { return nil }
        guard let fingerprint = entry.fingerprint else { throw Self.arriving(key) }
        return (entry.job, fingerprint)
    }

    /// A request with a new key begins to arrive.
    ///
    /// - Throws: 409 where another has begun since the key was looked up.
    func begin(_ key: String, _ job: JobID, where isKnown: (JobID) -> Bool) throws(Problem) {
        try entries.withLock { (entries) throws(Problem) in
            if let entry = entries[key], isKnown(entry.job) { throw Self.arriving(key) }
            if entries.count >= Self.sweepingCount { entries = entries.filter { isKnown($0.value.job) } }
            entries[key] = Entry(job: job)
        }
    }

    private static func arriving(_ key: String) -> Problem {
        Problem(
            .conflict, "request-arriving", "A request with this Idempotency-Key is on its way.",
            parameter: "Idempotency-Key", actual: key
        ).with(.retryAfter, "1")
    }

    /// The request has arrived as a whole.
    func complete(_ key: String, _ fingerprint: RequestFingerprint) {
        entries.withLock { $0[key]?.fingerprint = fingerprint }
    }

    /// A request of which another process knew.
    func restore(_ key: String, _ job: JobID, _ fingerprint: RequestFingerprint) {
        entries.withLock { $0[key] = Entry(job: job, fingerprint: fingerprint) }
    }

    /// The request was refused or will not be complete: the key is free again.
    func forget(_ key: String) {
        entries.withLock { _ = $0.removeValue(forKey: key) }
    }
}

extension IncomingRequest {
    /// The key by which a request is known that may come twice.
    ///
    /// - Throws: 400 for an empty or very long one.
    func idempotencyKey() throws(Problem) -> String? {
        guard let key = head.headerFields[.idempotencyKey] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw Problem(
                .badRequest, "invalid-header", "Idempotency-Key must have 1 to 255 characters.",
                parameter: "Idempotency-Key", expected: "1 to 255 characters", actual: "\(key.utf8.count)")
        }
        return key
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self.known("Idempotency-Key")
}
