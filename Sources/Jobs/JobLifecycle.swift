package import Foundation

/// The life of one job: where it is, since when, what each event does to it, and what its owner is to do about that.
///
///     open ──────┐
///     receiving ─┴→ queued ─→ running ─→ succeeded, failed, canceled
///         └───────────┴──────────────────────────────────────↗
///
/// It is a value: it holds no work, no output and no lock, and it calls nobody.
package struct JobLifecycle: Sendable {
    package private(set) var status: JobStatus
    /// Whether a job that runs was asked to stop. It ends ``JobStatus/canceled`` unless its work is done first.
    package private(set) var isCancelRequested = false
    package let createdAt: Date
    /// When the job's input was complete; nil for a job that never waited for a worker.
    package private(set) var queuedAt: Date?
    /// When a worker took the job up; nil for a job that never ran.
    package private(set) var startedAt: Date?
    package private(set) var finishedAt: Date?

    /// The two statuses that a life begins with.
    enum Beginning: Sendable {
        case open, receiving
    }

    init(_ beginning: Beginning, at now: Date) {
        status =
            switch beginning {
            case .open: .open
            case .receiving: .receiving
            }
        createdAt = now
    }

    /// A life that another process has begun.
    package init(
        _ status: JobStatus, createdAt: Date, queuedAt: Date? = nil, startedAt: Date? = nil, finishedAt: Date? = nil
    ) {
        self.status = status
        self.createdAt = createdAt
        self.queuedAt = queuedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    package enum EnqueueAction: Equatable {
        /// Keep the work, and have a worker take it up.
        case submit
        /// Drop the work: the job was enqueued before.
        case refuse
        /// Drop the work: the job has ended.
        case tooLate
    }

    /// The input is complete.
    @discardableResult
    package mutating func enqueue(at now: Date) -> EnqueueAction {
        switch status {
        case .open, .receiving:
            status = .queued
            queuedAt = now
            return .submit
        case .queued, .running: return .refuse
        case .succeeded, .failed, .canceled: return .tooLate
        }
    }

    enum StartAction: Equatable {
        case run
        /// There is nothing to run: the job is not queued yet, has ended, or runs already.
        case skip
    }

    /// A worker is free for the job.
    mutating func start(at now: Date) -> StartAction {
        switch status {
        case .queued:
            status = .running
            startedAt = now
            return .run
        case .open, .receiving, .running, .succeeded, .failed, .canceled: return .skip
        }
    }

    /// How work ended.
    package enum Ending: Sendable {
        case succeeded, failed, canceled
    }

    package enum FinishAction: Equatable {
        /// Keep the outcome, and tell those that wait for the job.
        case settle
        /// Drop the outcome: the job was not running.
        case ignore
    }

    /// The work has returned. Its word stands, also if it was done before it saw that it should stop.
    @discardableResult
    package mutating func finish(_ ending: Ending, at now: Date) -> FinishAction {
        switch status {
        case .running:
            status =
                switch ending {
                case .succeeded: .succeeded
                case .failed: .failed
                case .canceled: .canceled
                }
            finishedAt = now
            return .settle
        case .open, .receiving, .queued, .succeeded, .failed, .canceled: return .ignore
        }
    }

    enum CancelAction: Equatable {
        /// The job has ended now: drop its work, and tell those that wait for it.
        case settle
        /// Tell the work to stop; the job ends when it returns.
        case signal
        /// The job had ended before.
        case tooLate
    }

    /// Somebody wants the job to stop.
    mutating func cancel(at now: Date) -> CancelAction {
        switch status {
        case .open, .receiving, .queued:
            status = .canceled
            finishedAt = now
            return .settle
        case .running:
            isCancelRequested = true
            return .signal
        case .succeeded, .failed, .canceled: return .tooLate
        }
    }

    enum PostponeAction: Equatable {
        /// Keep the work for later.
        case keep
        /// The job was asked to stop, and has ended now: drop its work, and tell those that wait for it.
        case settle
        /// Drop the work: the job was not running.
        case ignore
    }

    /// The work has returned undone, and is to be run again.
    mutating func postpone(at now: Date) -> PostponeAction {
        guard status == .running else { return .ignore }
        guard !isCancelRequested else { return finish(.canceled, at: now) == .settle ? .settle : .ignore }
        status = .queued
        startedAt = nil
        return .keep
    }

    /// What the job made is not what it was.
    ///
    /// - Returns: Whether the job had succeeded, and has failed now.
    mutating func spoil() -> Bool {
        guard status == .succeeded else { return false }
        status = .failed
        return true
    }

    enum WithdrawAction: Equatable {
        /// Forget the job.
        case forget
        /// The job is past its input, and goes on.
        case keep
    }

    /// The input was refused or will never be complete.
    func withdraw() -> WithdrawAction {
        switch status {
        case .open, .receiving: .forget
        case .queued, .running, .succeeded, .failed, .canceled: .keep
        }
    }
}
