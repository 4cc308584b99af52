import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobWaitingTests {
    private func wait(_ queue: Queue, _ id: JobID, timeout: TimeInterval? = nil) -> Box<JobStatus?> {
        let seen = Box<JobStatus?>()
        queue.whenFinal(id, timeout: timeout) { seen.add($0?.status) }
        return seen
    }

    @Test func callsAtOnceWhereTheJobHasEnded() async throws {
        let queue = suspended()
        let id = try await queue.run(.failed(.broken))
        #expect(wait(queue, id).values == [.failed])
        #expect(wait(queue, id, timeout: 5).values == [.failed])
    }

    @Test func callsAtOnceWithNothingForAStranger() {
        #expect(wait(suspended(), JobID()).values == [nil])
        #expect(wait(suspended(), JobID(), timeout: 0).values == [nil])
    }

    @Test func callsEveryWaiterOnceInOrderWhenTheJobEnds() async throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        let id = try queue.submit()
        let order = Box<Int>()
        for index in 0..<5 {
            queue.whenFinal(id, timeout: index % 2 == 0 ? 10 : nil) { job in
                #expect(job?.status == .succeeded && job?.outputWord == "available")
                order.add(index)
            }
        }
        #expect(order.values.isEmpty)
        await queue.runAll()
        #expect(order.values == [0, 1, 2, 3, 4])
        time.advance(100)
        #expect(order.values == [0, 1, 2, 3, 4])
    }

    @Test func callsWithTheJobAsItStandsAtTheTimeout() async throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        let id = try queue.submit()
        let (short, long) = (wait(queue, id, timeout: 5), wait(queue, id, timeout: 50))
        time.advance(4)
        #expect(short.values.isEmpty)
        time.advance(1)
        #expect(short.values == [.queued] && long.values.isEmpty)
        await queue.runAll()
        #expect(short.values == [.queued] && long.values == [.succeeded])
    }

    @Test(arguments: [0, -1, -TimeInterval.infinity, .nan])
    func callsAtOnceWithoutTimeToWait(timeout: TimeInterval) throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        #expect(wait(queue, try queue.admit(""), timeout: timeout).values == [.receiving])
        #expect(time.scheduledCount == 0)
    }

    @Test(arguments: [1e300, TimeInterval.infinity]) func takesTimeoutsBeyondAnyClock(timeout: TimeInterval)
        async throws
    {
        let queue = Queue(limits: limits())
        let id = try queue.admit("")
        let seen = wait(queue, id, timeout: timeout)
        #expect(seen.values.isEmpty)
        try queue.cancel(id)
        #expect(seen.values == [.canceled])
    }

    @Test func theSystemClockCallsBack() async throws {
        let queue = Queue(limits: limits())
        let id = try queue.admit("")
        let job = await withCheckedContinuation { continuation in
            queue.whenFinal(id, timeout: 0.001) { continuation.resume(returning: $0) }
        }
        #expect(job?.status == .receiving)
    }

    @Test func tellsOfCancelAtOnce() throws {
        let queue = suspended()
        for id in [try queue.admit(""), try queue.submit()] {
            let seen = wait(queue, id)
            try queue.cancel(id)
            #expect(seen.values == [.canceled])
        }
    }

    @Test func tellsNothingOfWhatIsWithdrawnOrDeleted() throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        let (withdrawn, deleted, queued) = (try queue.admit(""), try queue.admit(""), try queue.submit())
        let seen = [withdrawn, deleted, queued].map { wait(queue, $0, timeout: 5) }
        queue.withdraw(withdrawn)
        try queue.delete(deleted)
        try queue.delete(queued)
        #expect(seen.map(\.values) == [[nil], [nil], [nil]])
        time.advance(5)
        #expect(seen.map(\.values) == [[nil], [nil], [nil]])
    }

    @Test func tellsNothingOfARunningJobThatIsDeleted() async throws {
        let queue = suspended()
        let id = try queue.submit { context in
            try? queue.delete(context.id)
            return .succeeded(Blob())
        }
        let seen = wait(queue, id)
        await queue.runAll()
        #expect(seen.values == [nil])
    }

    @Test func mayCallTheQueueFromACall() throws {
        let queue = suspended()
        let id = try queue.admit("")
        let seen = Box<JobStatus?>()
        queue.whenFinal(id) { job in
            seen.add(try? queue.job(id).status)
            queue.whenFinal(id) { seen.add($0?.status) }
            try? queue.delete(id)
        }
        try queue.cancel(id)
        #expect(seen.values == [.canceled, .canceled])
        #expect(queue.counts == JobCounts())
    }

    @Test func refusesNewJobsWhileItDrains() async throws {
        let queue = suspended()
        let (receiving, queued) = (try queue.admit(""), try queue.submit())
        #expect(!queue.isDraining)
        queue.drain()
        #expect(queue.isDraining)
        #expect(throws: JobError.draining) { try queue.admit("") }
        try queue.enqueue(receiving) { _ in .succeeded(Blob()) }
        await queue.runAll()
        #expect(try queue.job(receiving).status == .succeeded)
        #expect(try queue.job(queued).status == .succeeded)
        #expect(throws: JobError.draining) { try queue.admit("") }
    }

    @Test func isIdleWhenNothingIsReceivingQueuedOrRunning() async throws {
        let queue = suspended()
        let idle = Box<Int>()
        queue.whenIdle { idle.add(0) }
        #expect(idle.values == [0])
        let receiving = try queue.admit("")
        let queued = try queue.submit()
        queue.whenIdle { idle.add(1) }
        queue.withdraw(receiving)
        #expect(idle.values == [0])
        try queue.cancel(queued)
        #expect(idle.values == [0, 1])
        let deleted = try queue.submit { context in
            try? queue.delete(context.id)
            queue.whenIdle { idle.add(3) }
            idle.add(2)
            return .canceled
        }
        await queue.runAll()
        #expect(throws: JobError.unknown(deleted)) { try queue.job(deleted) }
        #expect(idle.values == [0, 1, 2, 3])
    }

    @Test func isIdleOnlyWhenEverybodyWasTold() throws {
        let queue = suspended()
        let id = try queue.admit("")
        let order = Box<String>()
        queue.whenFinal(id) { _ in
            queue.whenIdle { order.add("idle") }
            order.add("told")
        }
        queue.whenFinal(id) { _ in order.add("told") }
        try queue.cancel(id)
        #expect(order.values == ["told", "told", "idle"])
    }
}
