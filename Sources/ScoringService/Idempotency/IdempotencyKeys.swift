import HTTPTypes
import JobStorage
import Jobs
import ServiceInterface
import Synchronization
import WebService

/// The scoring requests that came with an `Idempotency-Key`. They are remembered so that a request that comes again
/// makes no second job.
///
/// A key is known for as long as its job is.
///
/// - SeeAlso: draft-ietf-httpapi-idempotency-key-header.
final class IdempotencyKeys: Sendable {
    /// The name that a caller has given a request. Callers with keys of different owners may use the same name without
    /// meaning the same request.
    struct Key: Hashable {
        let owner: JobOwner?
        let name: String
    }

    private struct Entry {
        let job: JobID
        /// The fingerprint of the request; nil while its body arrives.
        var fingerprint: RequestFingerprint?
    }

    /// The number of keys from which on those are dropped whose jobs are forgotten.
    private static let sweepingCount = 4096

    private let entries = Mutex<[Key: Entry]>([:])

    /// The job that a key stands for, with the fingerprint of the request that made it; nil for a new key.
    ///
    /// - Parameters:
    ///   - isKnown: Tells whether a job is still known.
    /// - Throws: A 409 problem while the request that came with the key before is arriving.
    func job(
        of key: Key, where isKnown: (JobID) -> Bool
    ) throws(Problem) -> (id: JobID, fingerprint: RequestFingerprint)? {
        guard let entry = entries.withLock({ $0[key] }), isKnown(entry.job) else { return nil }
        guard let fingerprint = entry.fingerprint else { throw Self.arriving(key) }
        return (entry.job, fingerprint)
    }

    /// Notes that a request with a new key begins to arrive.
    ///
    /// - Throws: A 409 problem if another request has begun since the key was looked up.
    func begin(_ key: Key, _ job: JobID, where isKnown: (JobID) -> Bool) throws(Problem) {
        try entries.withLock { (entries) throws(Problem) in
            if let entry = entries[key], isKnown(entry.job) { throw Self.arriving(key) }
            if entries.count >= Self.sweepingCount { entries = entries.filter { isKnown($0.value.job) } }
            entries[key] = Entry(job: job)
        }
    }

    private static func arriving(_ key: Key) -> Problem {
        Problem(
            .requestArriving, "A request with this Idempotency-Key is on its way.",
            parameter: "Idempotency-Key", actual: key.name
        ).with(.retryAfter, "1")
    }

    /// Notes that the request that made a job has arrived whole. If the job was deleted meanwhile, its key may already
    /// stand for another job, and nothing happens.
    func complete(_ key: Key, _ job: JobID, _ fingerprint: RequestFingerprint) {
        entries.withLock { entries in
            if entries[key]?.job == job { entries[key]?.fingerprint = fingerprint }
        }
    }

    /// Takes over a key from an earlier process.
    func restore(_ key: Key, _ job: JobID, _ fingerprint: RequestFingerprint) {
        entries.withLock { $0[key] = Entry(job: job, fingerprint: fingerprint) }
    }

    /// Frees the key of a request that was refused or will not be completed, unless the key already stands for another
    /// job.
    func forget(_ key: Key, _ job: JobID) {
        entries.withLock { entries in
            if entries[key]?.job == job { entries[key] = nil }
        }
    }
}

extension IncomingRequest {
    /// The idempotency key of the request; nil if it has none.
    ///
    /// - Throws: A 400 problem for a key that is empty or too long.
    func idempotencyKey() throws(Problem) -> String? {
        guard let key = head.headerFields[.idempotencyKey] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw Problem(
                .invalidHeader, "Idempotency-Key must have 1 to 255 characters.",
                parameter: "Idempotency-Key", expected: "1 to 255 characters", actual: "\(key.utf8.count)")
        }
        return key
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self.known("Idempotency-Key")
}
