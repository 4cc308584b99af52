/// Why a queue refused.
package enum JobError: Error, Equatable {
    /// As many jobs are receiving or queued as the queue takes.
    case atCapacity(limit: Int)
    /// As many jobs are open as the queue takes.
    case tooManyOpen(limit: Int)
    /// A request has come with this key before, and its job is known still.
    case keyInUse(String)
    /// The queue takes no more jobs.
    case draining
    /// There is no such job: there never was, or it was deleted, withdrawn or forgotten.
    case unknown(JobID)
    /// The job's input was already complete.
    case notReceiving(JobID, JobStatus)
    /// The job has no output yet.
    case notFinished(JobID, JobStatus)
    /// The job had ended before.
    case alreadyFinished(JobID, JobStatus)
    /// The job ended without an output.
    case withoutOutput(JobID, JobStatus)
    /// The job's output was dropped.
    case expired(JobID)
}
