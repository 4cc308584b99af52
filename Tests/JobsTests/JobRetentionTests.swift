import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobRetentionTests {
    /// Runs one job and gives its id, with a watch on its output.
    private func produce(_ queue: Queue, bytes: Int = 1) async throws -> (id: JobID, watch: Watch) {
        let watches = Box<Watch>()
        let id = try queue.submit { _ in
            let blob = Blob(bytes)
            watches.add(Watch(blob))
            return .succeeded(blob)
        }
        await queue.runAll()
        return (id, try #require(watches.values.first))
    }

    @Test func dropsAnOutputOnAccessWhenItsTimeIsOver() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 60), time)
        let (id, watch) = try await produce(queue, bytes: 5)
        let expiresAt = time.now + 60
        time.jump(59)
        #expect(try queue.job(id).outputWord == "available")
        #expect(!watch.isGone)
        time.jump(1)
        let job = try queue.job(id)
        #expect(job.status == .succeeded && job.outputWord == "expired" && job.expiresAt == expiresAt)
        #expect(throws: JobError.expired(id)) { try job.requireOutput() }
        #expect(queue.counts.outputBytes == 0)
    }

    @Test func keepsAnOutputUntilSomebodySaysOtherwise() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 60), time)
        let (id, watch) = try await produce(queue, bytes: 5)
        #expect(try queue.prolong(id, isKept: true).expiresAt == nil)
        time.jump(1000)
        #expect(try queue.job(id).outputWord == "available")
        #expect(queue.counts.outputBytes == 5)
        let released = try queue.prolong(id, isKept: false)
        #expect(released.expiresAt == time.now + 60)
        time.jump(59)
        #expect(!watch.isGone)
        time.jump(1)
        #expect(try queue.job(id).outputWord == "expired")
        #expect(queue.counts.outputBytes == 0)
        #expect(throws: JobError.expired(id)) { try queue.prolong(id, isKept: true) }
    }

    @Test func dropsWhatSomebodyKeepsAfterAllOthers() async throws {
        let queue = suspended(limits(resultBytes: 10))
        let first = try await produce(queue, bytes: 4)
        _ = try queue.prolong(first.id, isKept: true)
        let second = try await produce(queue, bytes: 4)
        _ = try await produce(queue, bytes: 4)
        await settled(queue)
        #expect(!first.watch.isGone && second.watch.isGone)
        _ = try await produce(queue, bytes: 9)
        await settled(queue)
        #expect(first.watch.isGone)
        #expect(queue.counts.outputBytes == 9)
    }

    @Test func forgetsWhatSomebodyKeepsAfterAllOthers() async throws {
        let queue = suspended(limits(history: 2))
        let first = try await produce(queue)
        _ = try queue.prolong(first.id, isKept: true)
        let second = try await produce(queue)
        let third = try await produce(queue)
        #expect(throws: JobError.unknown(second.id)) { try queue.job(second.id) }
        for id in [first.id, third.id] { _ = try queue.prolong(id, isKept: true) }
        _ = try await produce(queue)
        #expect(throws: JobError.unknown(first.id)) { try queue.job(first.id) }
    }

    @Test func freesAnOutputThatNobodyAsksFor() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 60), time)
        let first = try await produce(queue)
        time.advance(30)
        let second = try await produce(queue)
        await settled(queue)
        time.advance(30)
        #expect(first.watch.isGone && !second.watch.isGone)
        time.advance(30)
        #expect(second.watch.isGone)
        #expect(time.scheduledCount == 0)
    }

    /// Waits until the operations of the jobs before have let go of everything.
    private func settled(_ queue: Queue) async {
        let id = try? await queue.run(.canceled)
        #expect(id != nil)
    }

    @Test func dropsTheOldestOutputsWhenMemoryIsShort() async throws {
        let queue = suspended(limits(resultBytes: 10))
        let first = try await produce(queue, bytes: 4)
        let second = try await produce(queue, bytes: 4)
        let third = try await produce(queue, bytes: 2)
        #expect(queue.counts.outputBytes == 10)
        let fourth = try await produce(queue, bytes: 5)
        await settled(queue)
        #expect(
            try [first, second, third, fourth].map { try queue.job($0.id).outputWord } == [
                "expired", "expired", "available", "available",
            ])
        #expect([first, second, third, fourth].map(\.watch.isGone) == [true, true, false, false])
        #expect(queue.counts.outputBytes == 7)
    }

    @Test func saysWhenAnOutputWentBeforeItsTime() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 60, resultBytes: 1), time)
        let first = try await produce(queue)
        time.jump(10)
        _ = try await produce(queue)
        #expect(try queue.job(first.id).expiresAt == time.now)
    }

    @Test func handsAnOutputOverTheWholeBudgetToThoseWhoWait() async throws {
        let time = ManualClock()
        let queue = suspended(limits(resultBytes: 10), time)
        let small = try await produce(queue, bytes: 10)
        let watches = Box<Watch>()
        let id = try queue.submit { _ in
            let blob = Blob(11)
            watches.add(Watch(blob))
            return .succeeded(blob)
        }
        let seen = Box<Int>()
        queue.whenFinal(id) { job in
            #expect(job?.expiresAt == time.now)
            if case .available(let blob)? = job?.output { seen.add(blob.byteCount) }
        }
        await queue.runAll()
        await settled(queue)
        #expect(seen.values == [11])
        #expect(watches.values.map(\.isGone) == [true])
        #expect(try queue.job(id).outputWord == "expired")
        #expect(try queue.job(small.id).outputWord == "available")
    }

    @Test(arguments: [(.max, .max), (.max, 1), (0, 0)]) func sumsWithoutOverflow(budget: Int, bytes: Int) async throws {
        let queue = suspended(limits(resultBytes: budget))
        _ = try await produce(queue, bytes: bytes)
        let last = try await produce(queue, bytes: bytes)
        #expect(try queue.job(last.id).outputWord == "available")
        #expect(queue.counts.outputBytes == (bytes == 1 ? 2 : bytes))
    }

    @Test func countsANegativeSizeAsNothing() async throws {
        let queue = suspended()
        _ = try await produce(queue, bytes: -5)
        #expect(queue.counts.outputBytes == 0)
    }

    @Test func keepsNothingWithoutTimeToLive() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 0), time)
        let (id, watch) = try await produce(queue)
        await settled(queue)
        #expect(try queue.job(id).outputWord == "expired")
        #expect(watch.isGone && time.scheduledCount == 0)
    }

    @Test func forgetsTheOldestFinishedJobs() async throws {
        let queue = suspended(limits(history: 2))
        let receiving = try queue.admit("")
        let queued = try queue.admit("")
        var finished: [JobID] = []
        var watches: [Watch] = []
        for _ in 0..<3 {
            let watches1 = Box<Watch>()
            let id = try queue.submit { _ in
                let blob = Blob(3)
                watches1.add(Watch(blob))
                return .succeeded(blob)
            }
            queue.isSuspended = false
            _ = await queue.final(id)
            finished.append(id)
            watches += watches1.values
        }
        #expect(throws: JobError.unknown(finished[0])) { try queue.job(finished[0]) }
        #expect(watches[0].isGone)
        #expect(try queue.job(finished[1]).outputWord == "available")
        #expect(queue.counts.outputBytes == 6)
        // Older than all of them, but alive.
        #expect(try queue.job(receiving).status == .receiving)
        try queue.cancel(queued)
        #expect(throws: JobError.unknown(finished[1])) { try queue.job(finished[1]) }
        #expect(queue.jobs(limit: 10).jobs.map(\.id) == [finished[2], queued, receiving])
    }

    /// Not the latest so many are kept, but all whose time is not over.
    @Test func remembersAllJobsUntilTheirTimeIsOver() async throws {
        let time = ManualClock()
        let limits = JobLimits(
            workers: 1, backlog: 100, timeToLive: 60, resultBytes: 1000, history: 10, expiredHistory: 1)
        let queue = Queue(limits: limits, clock: time.clock)
        var ids: [JobID] = []
        for bytes in 1...5 {
            let id = try queue.submit { _ in bytes == 3 ? .failed(.broken) : .succeeded(Blob(bytes)) }
            _ = await queue.final(id)
            ids.append(id)
            time.advance(1)
        }
        #expect(queue.jobs(limit: 10).jobs.map(\.id) == ids.reversed())
        // The first four are over, and go once another has ended.
        time.advance(58)
        let last = try queue.submit { _ in .succeeded(Blob()) }
        _ = await queue.final(last)
        #expect(queue.jobs(limit: 10).jobs.map(\.id) == [last, ids[4]])
    }

    @Test(arguments: [false, true]) func failsAJobWhoseOutputIsSpoiled(isDeleted: Bool) async throws {
        let queue = suspended()
        let (id, watch) = try await produce(queue, bytes: 5)
        await settled(queue)
        if isDeleted { try queue.delete(id) }
        #expect(queue.spoil(id, .broken) == !isDeleted)
        #expect(!queue.spoil(id, .broken))
        #expect(watch.isGone && queue.counts.outputBytes == 0)
        guard !isDeleted else { return }
        let job = try queue.job(id)
        #expect(job.status == .failed && job.failure != nil && job.outputWord == "none" && job.expiresAt == nil)
        #expect(queue.counts[.failed] == 1 && queue.counts[.succeeded] == 0)
    }

    /// Beyond what a machine word of bits could hold open: order and sums stay right whatever is deleted.
    @Test func keepsCountOfManyJobs() async throws {
        let time = ManualClock()
        let queue = Queue(
            limits: JobLimits(workers: 1, backlog: 1, timeToLive: 60, resultBytes: 1 << 20, history: 700),
            clock: time.clock)
        var ids: [JobID] = []
        for index in 0..<1000 {
            let id = try queue.submit { _ in .succeeded(Blob(2)) }
            _ = await queue.final(id)
            if index % 3 == 0 { try queue.delete(id) } else { ids.append(id) }
        }
        #expect(queue.counts[.succeeded] == 666 && queue.counts.outputBytes == 1332)
        #expect(queue.jobs(limit: 1000).jobs.map(\.id) == ids.reversed())
        for id in ids.prefix(600) { try queue.delete(id) }
        #expect(queue.jobs(limit: 1000).jobs.map(\.id) == ids.suffix(66).reversed())
        time.advance(61)
        #expect(queue.counts.outputBytes == 0)
        #expect(ids.suffix(66).allSatisfy { (try? queue.job($0).outputWord) == "expired" })
    }

    @Test func tellsThoseWhoWaitEvenWithoutAHistory() async throws {
        let queue = suspended(limits(history: 0))
        let id = try queue.submit()
        let seen = Box<String>()
        queue.whenFinal(id) { seen.add($0?.outputWord ?? "nothing") }
        await queue.runAll()
        #expect(seen.values == ["available"])
        #expect(throws: JobError.unknown(id)) { try queue.job(id) }
        #expect(queue.counts == JobCounts())
    }

    @Test func freesTheOutputOfADeletedJob() async throws {
        let queue = suspended()
        let (id, watch) = try await produce(queue)
        await settled(queue)
        #expect(!watch.isGone)
        try queue.delete(id)
        #expect(watch.isGone)
    }
}
