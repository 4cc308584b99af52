import ServiceInterface
import Synchronization
import WebService

/// The places for jobs that each caller has taken with bodies that still arrive. A caller may take only so many, so
/// that others find places too, however slowly the bodies come.
///
/// A caller is the owner of a key, or an IP address if no keys are needed. All callers over Unix sockets are one.
package final class UploadShares: Sendable {
    /// The most places that one caller may take; nil for any number.
    private let limit: Int?
    private let counts = Mutex<[String: Int]>([:])

    init(limit: Int?) {
        self.limit = limit
    }

    /// Takes a place for a body. The place is free again when the last reference to it goes.
    ///
    /// - Returns: Nil if callers may take any number of places.
    /// - Throws: A 503 problem if the caller has taken as many places as one may.
    func place(for request: IncomingRequest, of caller: Caller) throws(Problem) -> Place? {
        guard let limit else { return nil }
        let caller = caller.owner?.text ?? request.peer ?? ""
        let isTaken = counts.withLock { counts in
            guard counts[caller, default: 0] < limit else { return false }
            counts[caller, default: 0] += 1
            return true
        }
        guard isTaken else {
            throw Problem(
                .tooManyUploads, "As many of the caller's bodies are on their way as may be at once.", limit: limit)
        }
        return Place(self, caller)
    }

    private func release(_ caller: String) {
        counts.withLock { counts in
            let count = counts[caller, default: 1] - 1
            counts[caller] = count > 0 ? count : nil
        }
    }

    /// One place, which is taken for as long as this object lives.
    package final class Place: Sendable {
        private let shares: UploadShares
        private let caller: String

        fileprivate init(_ shares: UploadShares, _ caller: String) {
            self.shares = shares
            self.caller = caller
        }

        deinit {
            shares.release(caller)
        }
    }
}
