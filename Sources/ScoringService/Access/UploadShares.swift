import Jobs
package import ServiceInterface
import Synchronization
package import WebService

/// How many of the places for jobs one caller has taken with bodies that are on their way: however slowly these come, they leave
/// places to others.
///
/// A caller is the owner of a key, or, where none are needed, an address; all who come by a Unix socket are one.
package final class UploadShares: Sendable {
    /// Nil for any number.
    private let limit: Int?
    private let counts = Mutex<[String: Int]>([:])

    init(limit: Int?) {
        self.limit = limit
    }

    /// Takes a place for a body. It is free again when the place is let go.
    ///
    /// - Throws: 503 where the caller has as many as one may.
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

    /// One place, for as long as it is held.
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

extension Service {
    /// Takes a caller's place for the body of a job.
    ///
    /// - Returns: Nil where shares have no say, also where all places are taken: that is for the queue to tell.
    /// - Throws: 503 where the caller has as many as one may.
    package func uploadPlace(for request: IncomingRequest, of caller: Caller) throws(Problem) -> UploadShares.Place? {
        guard queue.counts.backlog < limits.backlog else { return nil }
        return try uploads.place(for: request, of: caller)
    }
}
