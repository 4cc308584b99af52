/// A job that an earlier process has left.
package struct RestoredJob<Kind: JobKind>: Sendable {
    /// The job, which is receiving if its work is still to be done; else it is open, or has ended.
    package var job: Job<Kind>
    /// The parts of a job that has not ended, in order of arrival.
    package var parts: [Kind.Part] = []
    /// What is wrong with the input of a job that is receiving, if anything is.
    package var failure: Kind.Failure?
    /// Whether an earlier process ended while it ran the job.
    package var isSuspect = false

    /// Makes one of a job that has ended.
    package init(_ job: Job<Kind>) {
        self.job = job
    }
}
