import HTTPTypes
import JobStorage
import Jobs
import ServiceInterface
import Synchronization
import WebService

/// The scoring requests that named themselves by an `Idempotency-Key`, so that one which comes again makes no second job.
///
/// A key is known as long as its job is.
///
/// - SeeAlso: draft-ietf-httpapi-idempotency-key-header.
final class IdempotencyKeys: Sendable {
    /// What a caller calls a request. Callers with keys of different owners have names of their own.
    struct Key: Hashable {
        let owner: JobOwner?
        let name: String
    }

    private struct Entry {
        let job: JobID
        /// Nil while the body arrives.
        var fingerprint: RequestFingerprint?
    }

    /// From so many keys on those are dropped whose jobs are forgotten.
    private static let sweepingCount = 4096

    private let entries = Mutex<[Key: Entry]>([:])

    /// The job that a key stands for, and the request that it came with; nil for a new key.
    ///
    /// - Parameters:
    ///   - isKnown: Whether a job is still known.
    /// - Throws: 409 while the request that came with it before is arriving.
    func job(
        of key: Key, where isKnown: (JobID) -> Bool
    ) throws(Problem) -> (id: JobID, fingerprint: RequestFingerprint)? {
        guard let entry = entries.withLock({ $0[key] }), isKnown(entry.job) else { return nil }
        guard let fingerprint = entry.fingerprint else { throw Self.arriving(key) }
        return (entry.job, fingerprint)
    }

    /// A request with a new key begins to arrive.
    ///
    /// - Throws: 409 where another has begun since the key was looked up.
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

    /// The request that made a job has arrived as a whole. The key may stand for another by now, if the job was deleted meanwhile.
    func complete(_ key: Key, _ job: JobID, _ fingerprint: RequestFingerprint) {
        entries.withLock { entries in
            if entries[key]?.job == job { entries[key]?.fingerprint = fingerprint }
        }
    }

    /// A request of which another process knew.
    func restore(_ key: Key, _ job: JobID, _ fingerprint: RequestFingerprint) {
        entries.withLock { $0[key] = Entry(job: job, fingerprint: fingerprint) }
    }

    /// The request that began with a job was refused or will not be complete: the key is free again, unless it stands for another by now.
    func forget(_ key: Key, _ job: JobID) {
        entries.withLock { entries in
            if entries[key]?.job == job { entries[key] = nil }
        }
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
                .invalidHeader, "Idempotency-Key must have 1 to 255 characters.",
                parameter: "Idempotency-Key", expected: "1 to 255 characters", actual: "\(key.utf8.count)")
        }
        return key
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self.known("Idempotency-Key")
}
