import Dispatch
package import Foundation

/// The time, and calls at a later time. Tests bring their own.
package struct JobClock: Sendable {
    package let now: @Sendable () -> Date
    /// Calls back once after that many seconds, from any thread.
    package let schedule: @Sendable (_ seconds: TimeInterval, _ body: @escaping @Sendable () -> Void) -> Void

    package init(
        now: @escaping @Sendable () -> Date,
        schedule: @escaping @Sendable (_ seconds: TimeInterval, _ body: @escaping @Sendable () -> Void) -> Void
    ) {
        self.now = now
        self.schedule = schedule
    }

    /// Makes a clock that calls back from one private dispatch queue, on which no thread waits.
    package init(now: @escaping @Sendable () -> Date = { Date() }) {
        let queue = DispatchQueue(label: "segscore.jobs.clock")
        self.init(now: now) { seconds, body in
            queue.asyncAfter(deadline: .now() + seconds, execute: body)
        }
    }
}
