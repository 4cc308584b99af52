import Jobs
package import ServiceInterface
package import WebService

extension Service {
    /// Takes a caller's place for the body of a job.
    ///
    /// - Returns: Nil if shares do not matter: callers may take any number of places, or all places are taken, which
    ///   the job queue reports.
    /// - Throws: A 503 problem if the caller has taken as many places as one may.
    package func uploadPlace(for request: IncomingRequest, of caller: Caller) throws(Problem) -> UploadShares.Place? {
        guard queue.counts.backlog < limits.backlog else { return nil }
        return try uploads.place(for: request, of: caller)
    }
}
