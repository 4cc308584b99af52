import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobQueueTests {
    @Test func leadsAJobFromReceivingToSucceeded() async throws {
        let time = ManualClock()
        let queue = suspended(limits(timeToLive: 60), time)
        let start = time.now
        let id = try queue.admit("one")
        var job = try queue.job(id)
        #expect(job.id == id && job.status == .receiving && job.details == "one" && job.createdAt == start)
        #expect(job.startedAt == nil && job.finishedAt == nil && job.expiresAt == nil && job.failure == nil)
        #expect(throws: JobError.notFinished(id, .receiving)) { try job.requireOutput() }

        time.jump(1)
        let blob = Blob()
        try queue.enqueue(id) { context in
            #expect(context.id == id && !context.isCancelled)
            let job = try? queue.job(id)
            #expect(job?.status == .running && job?.startedAt == time.now)
            time.jump(1)
            return .succeeded(blob)
        }
        #expect(try queue.job(id).status == .queued)
        await queue.runAll()

        job = try queue.job(id)
        #expect(job.status == .succeeded && job.createdAt == start && !job.isCancelRequested)
        #expect(job.startedAt == start + 1 && job.finishedAt == start + 2 && job.expiresAt == start + 62)
        #expect(try job.requireOutput() === blob)
    }

    @Test func keepsTheReasonOfAFailure() async throws {
        let queue = suspended()
        let id = try await queue.run(.failed(.broken))
        let job = try queue.job(id)
        #expect(job.status == .failed && job.failure == .broken && job.outputWord == "none" && job.expiresAt == nil)
        #expect(throws: JobError.withoutOutput(id, .failed)) { try job.requireOutput() }
    }

    @Test func updatesDetailsAndProgressUntilTheEnd() async throws {
        let queue = suspended()
        let id = try queue.admit("a")
        #expect(queue.update(id) { $0 += "b" })
        #expect(queue.update(id, imagesDone: 1, imagesTotal: 4))
        try queue.enqueue(id) { context in
            context.report(imagesDone: 3) { $0 += "d" }
            return .succeeded(Blob())
        }
        #expect(queue.update(id, imagesDone: 0))
        #expect(queue.update(id) { $0 += "c" })
        #expect(try queue.job(id).progress == JobProgress(imagesDone: 1, imagesTotal: 4))
        await queue.runAll()
        #expect(!queue.update(id) { $0 += "e" })
        #expect(!queue.update(id, imagesDone: 9))
        let job = try queue.job(id)
        #expect(job.details == "abcd")
        #expect(job.progress == JobProgress(imagesDone: 4, imagesTotal: 4), "what succeeded has done all of it")
    }

    @Test func aJobThatFailedHasDoneWhatItSaid() async throws {
        let queue = Queue(limits: limits())
        let id = try queue.admit("")
        try queue.enqueue(id) { context in
            context.report(imagesDone: 3, imagesTotal: 4)
            return .failed(.broken)
        }
        #expect(await queue.final(id)?.progress == JobProgress(imagesDone: 3, imagesTotal: 4))
    }

    @Test func enqueuesAndWaitsInOne() async throws {
        let queue = Queue(limits: limits(timeToLive: 0))
        let id = try queue.admit("")
        let job = await withCheckedContinuation { continuation in
            try? queue.enqueue(id, timeout: nil) { _ in
                .succeeded(Blob())
            } whenFinal: {
                continuation.resume(returning: $0)
            }
        }
        #expect(job?.status == .succeeded && job?.outputWord == "available", "there is no room but for who waits")

        let canceled = try queue.admit("")
        try queue.cancel(canceled)
        let status = await withCheckedContinuation { continuation in
            #expect(throws: JobError.alreadyFinished(canceled, .canceled)) {
                try queue.enqueue(canceled, timeout: 5) { _ in
                    .canceled
                } whenFinal: {
                    continuation.resume(returning: $0?.status)
                }
            }
        }
        #expect(status == .canceled)
    }

    @Test func whoWaitsInOneIsToldAtTheTimeout() throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        let id = try queue.admit("")
        let seen = Box<JobStatus?>()
        try queue.enqueue(id, timeout: 5) { _ in
            .canceled
        } whenFinal: {
            seen.add($0?.status)
        }
        time.advance(4)
        #expect(seen.values.isEmpty)
        time.advance(1)
        #expect(seen.values == [.queued])
    }

    @Test func opensJobsThatWaitForMoreInput() async throws {
        let queue = suspended(limits(backlog: 2))
        let first = try queue.open("a")
        let second = try queue.open("b")
        #expect(throws: JobError.tooManyOpen(limit: 2)) { try queue.open("c") }
        #expect(queue.counts[.open] == 2 && queue.counts.backlog == 0, "they do not stand in others' way")
        #expect(queue.update(first) { $0 += "+" })
        try queue.enqueue(first) { _ in .succeeded(Blob()) }
        queue.cancelOpen(first)
        queue.cancelOpen(second)
        await queue.runAll()
        #expect(try queue.job(first).status == .succeeded && queue.job(first).details == "a+")
        #expect(try queue.job(second).status == .canceled)

        let third = try queue.open("")
        let receiving = try queue.admit("")
        queue.drain()
        #expect(throws: JobError.draining) { try queue.open("") }
        #expect(try queue.job(third).status == .canceled && queue.job(receiving).status == .receiving)
    }

    @Test func refusesTheJobAfterTheLastPlace() async throws {
        let queue = suspended(limits(backlog: 2))
        let first = try queue.admit("")
        let second = try queue.submit()
        #expect(throws: JobError.atCapacity(limit: 2)) { try queue.admit("") }
        #expect(queue.counts.backlog == 2)

        queue.withdraw(first)
        let third = try queue.admit("")
        #expect(throws: JobError.atCapacity(limit: 2)) { try queue.admit("") }
        try queue.cancel(third)
        let fourth = try queue.admit("")
        try queue.delete(fourth)
        _ = try queue.submit()
        #expect(throws: JobError.atCapacity(limit: 2)) { try queue.admit("") }
        await queue.runAll()
        #expect(try queue.job(second).status == .succeeded)
        _ = try queue.admit("")
    }

    @Test func aRunningJobTakesNoPlaceInTheBacklog() async throws {
        let queue = suspended(limits(backlog: 1))
        let id = try queue.submit { _ in (try? queue.admit("")) == nil ? .failed(.broken) : .succeeded(Blob()) }
        queue.isSuspended = false
        #expect(await queue.final(id)?.status == .succeeded)
    }

    @Test func refusesEverythingWithoutABacklog() {
        #expect(throws: JobError.atCapacity(limit: 0)) { try suspended(limits(backlog: 0)).admit("") }
    }

    @Test func runsFirstInFirstOut() async throws {
        let queue = suspended(limits(workers: 1))
        let order = Box<Int>()
        // Admitted in the other order than enqueued, with a gap in the middle.
        let ids = try (0..<20).map { _ in try queue.admit("") }
        for (index, id) in ids.enumerated().reversed() {
            try queue.enqueue(id) { _ in
                order.add(index)
                return .canceled
            }
        }
        try queue.cancel(ids[10])
        await queue.runAll()
        #expect(order.values == (0..<20).reversed().filter { $0 != 10 })
    }

    @Test(arguments: [1, 3]) func runsAsManyAtATimeAsItHasWorkers(workers: Int) async throws {
        let queue = suspended(limits(workers: workers))
        let peaks = Box<Int>()
        let everyoneIsIn = DispatchSemaphore(value: 0)
        // The first jobs hold each other until all workers are taken, so that the bound is reached for sure.
        for index in 0..<12 {
            _ = try queue.submit { _ in
                peaks.add(queue.counts[.running])
                if index == workers - 1 {
                    for _ in 0..<workers - 1 { everyoneIsIn.signal() }
                } else if index < workers {
                    everyoneIsIn.wait()
                }
                return .succeeded(Blob())
            }
        }
        await queue.runAll()
        #expect(peaks.values.max() == workers)
        #expect(queue.counts[.succeeded] == 12)
    }

    @Test func refusesToEnqueueTwice() async throws {
        let queue = suspended()
        let id = try queue.submit()
        #expect(throws: JobError.notReceiving(id, .queued)) { try queue.enqueue(id) { _ in .canceled } }
        await queue.runAll()
        #expect(throws: JobError.alreadyFinished(id, .succeeded)) { try queue.enqueue(id) { _ in .canceled } }
    }

    @Test func refusesToEnqueueARunningJob() async throws {
        let queue = suspended()
        let errors = Box<JobError>()
        let id = try queue.submit { context in
            do throws(JobError) {
                try queue.enqueue(context.id) { _ in .canceled }
            } catch {
                errors.add(error)
            }
            return .succeeded(Blob())
        }
        await queue.runAll()
        #expect(errors.values == [.notReceiving(id, .running)])
    }

    @Test func knowsNoStrangers() {
        let queue = suspended()
        let id = JobID()
        #expect(throws: JobError.unknown(id)) { try queue.job(id) }
        #expect(throws: JobError.unknown(id)) { try queue.enqueue(id) { _ in .canceled } }
        #expect(throws: JobError.unknown(id)) { try queue.cancel(id) }
        #expect(throws: JobError.unknown(id)) { try queue.delete(id) }
        #expect(!queue.update(id) { $0 = "" })
        #expect(!queue.update(id, imagesDone: 1))
        queue.withdraw(id)
        #expect(queue.counts == JobCounts())
    }

    @Test func withdrawsWithoutATrace() throws {
        let queue = suspended()
        let id = try queue.admit("")
        queue.withdraw(id)
        #expect(throws: JobError.unknown(id)) { try queue.job(id) }
        #expect(queue.counts == JobCounts())
        #expect(queue.jobs(limit: 10).jobs.isEmpty)
    }

    @Test func withdrawsOnlyWhatIsReceiving() async throws {
        let queue = suspended()
        let canceled = try queue.admit("")
        try queue.cancel(canceled)
        let queued = try queue.submit { context in
            queue.withdraw(context.id)
            return .succeeded(Blob())
        }
        queue.withdraw(canceled)
        queue.withdraw(queued)
        await queue.runAll()
        queue.withdraw(queued)
        #expect(try queue.job(canceled).status == .canceled)
        #expect(try queue.job(queued).status == .succeeded)
    }

    @Test func countsByStatus() async throws {
        let queue = suspended()
        _ = try queue.submit(bytes: 5)
        _ = try queue.submit(bytes: 7)
        _ = try await queue.run(.failed(.broken))
        _ = try queue.submit()
        _ = try queue.admit("")
        try queue.cancel(try queue.admit(""))
        let counts = queue.counts
        #expect(JobStatus.allCases.map { counts[$0] } == [0, 1, 1, 0, 2, 1, 1])
        #expect(counts.outputBytes == 12 && counts.backlog == 2)
    }
}
