/// What a queue tells of as it happens, outside of its lock.
///
/// Events of one change come in order. Those of two changes may come from two threads at once; whoever cares asks the queue how the
/// job stands now.
package enum JobEvent<Kind: JobKind>: Sendable {
    /// A job has ended; it is told before anybody who waits for it is. A live job that is deleted ends canceled; one that is
    /// withdrawn has never been.
    case ended(Job<Kind>)
    /// A job's output was dropped: its time was over or its memory was needed.
    case expired(JobID)
    /// A job that had succeeded has failed, since its output is not what it was.
    case spoiled(Job<Kind>)
    /// A job is known no more; and whether its end was told before.
    case forgotten(JobID, hadEnded: Bool)
}
