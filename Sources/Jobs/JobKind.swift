package import Foundation

/// What a queue's jobs carry: a bundle of types.
package protocol JobKind: SendableMetatype {
    /// What was asked for: method, parameters, shape. May change until the job ends.
    associatedtype Details: Sendable
    /// What a job makes.
    associatedtype Output: JobOutput
    /// Why a job did not make it.
    associatedtype Failure: Error
}

/// What a job makes and its queue keeps for a while.
package protocol JobOutput: Sendable {
    /// The memory that keeping it costs, in bytes, at least 0. Read once, when the job ends.
    var byteCount: Int { get }
}

/// How a job's work ended, in the words of the work.
package enum JobOutcome<Kind: JobKind>: Sendable {
    case succeeded(Kind.Output)
    case failed(Kind.Failure)
    /// The work saw ``JobContext/isCancelled`` and stopped.
    case canceled
    /// The work could not be done for want of something that others have at the moment: it waits so many seconds, and is run again.
    case again(after: TimeInterval)
}

/// What a job runs, on a worker's thread. It asks ``JobContext/isCancelled`` once per image.
package typealias JobWork<Kind: JobKind> = @Sendable (JobContext<Kind>) -> JobOutcome<Kind>
