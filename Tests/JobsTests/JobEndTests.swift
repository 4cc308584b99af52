import Foundation
import Jobs
import TestSupport
import Testing

@Suite struct JobEndTests {
    private let clock = ManualClock()
    private let ended = Box<Job<TestKind>>()

    private func suspendedQueue() -> Queue {
        let queue = Queue(
            limits: limits(), clock: clock.clock,
            onEvent: { [ended] event in
                if case .ended(let job) = event { ended.add(job) }
            })
        queue.isSuspended = true
        return queue
    }

    @Test func tellsHowEachJobEndedAndHowLongItTook() async throws {
        let queue = suspendedQueue()
        let (clock, outcomes) = (clock, [JobOutcome<TestKind>.succeeded(Blob()), .failed(.broken), .canceled])
        for outcome in outcomes {
            let id = try queue.admit("")
            clock.jump(1)
            try queue.enqueue(id) { _ in
                clock.jump(4)
                return outcome
            }
            clock.jump(2)
            await queue.runAll()
        }
        #expect(ended.values.map(\.status) == [.succeeded, .failed, .canceled])
        #expect(ended.values.allSatisfy { $0.secondsQueued == 2 && $0.secondsRun == 4 })
    }

    @Test func tellsBeforeWhoWaits() async throws {
        let queue = suspendedQueue()
        let id = try queue.submit()
        let seen = Box<Int>()
        queue.whenFinal(id) { [ended] _ in seen.add(ended.values.count) }
        await queue.runAll()
        #expect(seen.values == [1])
    }

    @Test func tellsOfJobsThatNeverRan() throws {
        let queue = suspendedQueue()
        let (receiving, queued) = (try queue.admit("a"), try queue.submit("b"))
        try queue.cancel(receiving)
        try queue.delete(queued)
        #expect(ended.values.map(\.details) == ["a", "b"])
        #expect(ended.values.allSatisfy { $0.status == .canceled && $0.secondsQueued == nil && $0.secondsRun == nil })
        try queue.delete(receiving)
        #expect(ended.values.count == 2)
    }

    @Test func tellsOnceOfARunningJobThatIsDeleted() async throws {
        let queue = suspendedQueue()
        _ = try queue.submit { [clock, weak queue] context in
            clock.jump(3)
            try? queue?.delete(context.id)
            return .succeeded(Blob())
        }
        await queue.runAll()
        #expect(ended.values.map(\.status) == [.canceled])
        #expect(ended.values.first?.secondsRun == 3)
    }

    @Test func saysNothingOfWhatIsWithdrawn() throws {
        let queue = suspendedQueue()
        queue.withdraw(try queue.admit(""))
        #expect(ended.values.isEmpty)
    }
}
