import Foundation

/// What is to be done after a change, once the lock is free.
struct JobAftermath<Kind: JobKind>: Sendable {
    /// What is told ahead of all calls.
    var events: [JobEvent<Kind>] = []
    /// The callers that are told, and what each of them is told.
    var calls: [(body: @Sendable (Job<Kind>?) -> Void, job: Job<Kind>?)] = []
    /// The calls of those that waited for the queue to be idle.
    var idleCalls: [@Sendable () -> Void] = []
    /// Outputs, entries and work that nobody needs. They are released with this value, since what their release does
    /// must not happen under the lock.
    var garbage: [any Sendable] = []
    /// Whether one more operation is needed.
    var addsOperation = false
    /// How soon to look for outputs whose time is over, in seconds.
    var wakeAfter: TimeInterval?

    var tellsAnybody: Bool { !events.isEmpty || !calls.isEmpty }
}
