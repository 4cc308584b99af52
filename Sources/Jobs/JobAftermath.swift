import Foundation

/// What is to be done after a change, once the lock is free.
struct JobAftermath<Kind: JobKind>: Sendable {
    /// What is told ahead of all calls.
    var events: [JobEvent<Kind>] = []
    /// Who is told, and what.
    var calls: [(body: @Sendable (Job<Kind>?) -> Void, job: Job<Kind>?)] = []
    /// Who waited for the queue to be idle.
    var idleCalls: [@Sendable () -> Void] = []
    /// Outputs, records and work that nobody needs. They end with this value: how, is not the lock's business.
    var garbage: [any Sendable] = []
    /// Whether one more operation is needed.
    var addsOperation = false
    /// How soon to look for outputs whose time is over, in seconds.
    var wakeAfter: TimeInterval?

    var tellsAnybody: Bool { !events.isEmpty || !calls.isEmpty }
}
