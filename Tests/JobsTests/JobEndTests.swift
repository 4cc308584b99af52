import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobEndTests {
    @Test func runsAgainWhatCouldNotBeDone() async throws {
        let time = ManualClock()
        let queue = Queue(limits: limits(), clock: time.clock)
        let runs = Box<Int>()
        let id = try queue.submit { _ in
            runs.add(1)
            return runs.values.count < 3 ? .again(after: 5) : .succeeded(Blob())
        }
        let other = try queue.submit { _ in .succeeded(Blob()) }
        // It keeps nobody waiting who has what it needs.
        #expect(await queue.final(other)?.status == .succeeded)
        #expect(try queue.job(id).status == .queued && queue.job(id).startedAt == nil)
        // One call is asked for to run it again, and one for the other's output.
        let scheduled = time.scheduledCount
        time.advance(4)
        #expect(runs.values.count == 1)
        time.advance(1)
        while time.scheduledCount < scheduled { await Task.yield() }
        time.advance(5)
        #expect(await queue.final(id)?.status == .succeeded)
        #expect(runs.values.count == 3)
    }

    @Test(arguments: ["cancel", "delete"]) func endsWhatWaitsToBeRunAgain(end: String) async throws {
        let time = ManualClock()
        let queue = Queue(limits: limits(), clock: time.clock)
        let (id, other) = (try queue.submit { _ in .again(after: 5) }, try queue.submit())
        _ = await queue.final(other)
        #expect(try queue.job(id).status == .queued)
        if end == "cancel" {
            #expect(try queue.cancel(id).status == .canceled)
        } else {
            try queue.delete(id)
        }
        time.advance(5)
        await withCheckedContinuation { continuation in
            queue.whenIdle { continuation.resume() }
        }
        #expect(queue.counts.backlog == 0)
    }

    @Test func endsWhatWasToldToStopAndCouldNotBeDone() async throws {
        let place = Box<Queue>()
        let queue = suspended()
        place.add(queue)
        let id = try queue.submit { context in
            _ = try? place.values[0].cancel(context.id)
            return .again(after: 5)
        }
        queue.isSuspended = false
        #expect(await queue.final(id)?.status == .canceled)
    }

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
