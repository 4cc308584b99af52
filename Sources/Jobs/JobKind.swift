package import Foundation

/// What a queue's jobs carry: a bundle of types.
package protocol JobKind: SendableMetatype {
    /// What was asked for: method, parameters, shape. May change until the job ends.
    associatedtype Details: Sendable
    /// What one body leaves with a job until the job is done.
    associatedtype Part: Sendable
    /// What a job makes.
    associatedtype Output: JobOutput
    /// Why a job did not make it.
    associatedtype Failure: Error
    /// What a client calls the request that makes a job, so that the same request makes no second job if it comes
    /// again.
    associatedtype Key: Hashable & Sendable & CustomStringConvertible
    /// What a request is told by from others that come with the same key.
    associatedtype Fingerprint: Equatable & Sendable
    /// What people say of a job's output once it is there.
    associatedtype Remark: Sendable
}

/// What a job makes and its queue keeps for a while.
package protocol JobOutput: Sendable {
    /// The memory, or the room on a disk, that keeping it costs, in bytes, at least 0.
    var byteCount: Int { get }
}

/// What a job's work is done on, once all of the job's input has come.
package enum JobInput<Kind: JobKind>: Sendable {
    /// The input lies as it has come. The closure makes parts of it, once and on a worker; nil if `isCancelled` said so
    /// meanwhile.
    case arrived(@Sendable (_ isCancelled: () -> Bool) throws(Kind.Failure) -> [Kind.Part]?)
    /// Parts that stay as they are until the job is done, so that its work may be done again.
    case kept([Kind.Part])
    /// Something is wrong with the input, which is for the job to say.
    case refused(Kind.Failure)
}

/// How a job's work ended, in the words of the work.
package enum JobOutcome<Kind: JobKind>: Sendable {
    case succeeded(Kind.Output)
    case failed(Kind.Failure)
    /// The work saw ``JobContext/isCancelled`` and stopped.
    case canceled
    /// The work could not be done for want of something that others have at the moment: it waits so many seconds, and
    /// is run again.
    case again(after: TimeInterval)
}

/// What a job runs, on a worker's thread. It asks ``JobContext/isCancelled`` once per image.
package typealias JobWork<Kind: JobKind> = @Sendable (JobContext<Kind>) -> JobOutcome<Kind>
