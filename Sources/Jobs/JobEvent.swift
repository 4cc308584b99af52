/// What a queue tells of as it happens, outside of its lock.
///
/// Events of one change come in order. The events of two changes may come from two threads at once, so an observer that
/// depends on their order asks the queue how the job stands now.
package enum JobEvent<Kind: JobKind>: Sendable {
    /// A job has ended; the event comes before those that wait for the job are told. A live job that is deleted ends
    /// canceled. A job that is withdrawn has never been, and does not end.
    case ended(Job<Kind>)
    /// Somebody has said until when a job's output is kept.
    case prolonged(Job<Kind>)
    /// A job's output was dropped: its time was over or its memory was needed.
    case expired(JobID)
    /// A job that had succeeded has failed, since its output is not what it was.
    case spoiled(Job<Kind>)
    /// A job is known no more. `hadEnded` says whether its end was told before.
    case forgotten(JobID, hadEnded: Bool)
}
