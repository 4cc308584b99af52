import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobCancelTests {
    /// Enqueues work of which nobody but the queue holds a copy afterwards.
    private func enqueueWatched(
        _ queue: Queue, _ id: JobID, _ body: @escaping @Sendable () -> Void = {}
    ) throws -> Watch {
        let (work, watch) = watchedWork(body)
        try queue.enqueue(id, work: work)
        return watch
    }

    @Test func cancelsWhatIsReceivingAtOnce() throws {
        let time = ManualClock()
        let queue = suspended(limits(), time)
        let id = try queue.admit("")
        let job = try queue.cancel(id)
        #expect(job.status == .canceled && job.finishedAt == time.now && job.startedAt == nil)
        #expect(!queue.update(id) { $0 = "late" })
        #expect(throws: JobError.alreadyFinished(id, .canceled)) { try queue.enqueue(id) { _ in .canceled } }
        #expect(throws: JobError.withoutOutput(id, .canceled)) { try job.requireOutput() }
    }

    @Test func dropsTheWorkOfAQueuedJobWithoutRunningIt() async throws {
        let queue = suspended()
        let ran = Box<Bool>()
        let id = try queue.admit("")
        let watch = try enqueueWatched(queue, id) { ran.add(true) }
        #expect(!watch.isGone)
        #expect(try queue.cancel(id).status == .canceled)
        #expect(watch.isGone)
        await queue.runAll()
        #expect(ran.values.isEmpty)
        #expect(try queue.job(id).status == .canceled)
    }

    @Test func dropsTheWorkOfARefusedEnqueue() throws {
        let queue = suspended()
        let id = try queue.admit("")
        try queue.cancel(id)
        var watch: Watch?
        #expect(throws: JobError.alreadyFinished(id, .canceled)) {
            let (work, workWatch) = watchedWork()
            watch = workWatch
            try queue.enqueue(id, work: work)
        }
        #expect(try #require(watch).isGone)
    }

    @Test func tellsRunningWorkToStop() async throws {
        let queue = suspended()
        let id = try queue.submit { context in
            #expect(!context.isCancelled)
            let job = try? queue.cancel(context.id)
            #expect(job?.status == .running && job?.isCancelRequested == true)
            return context.isCancelled ? .canceled : .failed(.broken)
        }
        queue.isSuspended = false
        #expect(await queue.final(id)?.status == .canceled)
        #expect(throws: JobError.alreadyFinished(id, .canceled)) { try queue.cancel(id) }
    }

    @Test func leavesWhatHasEnded() async throws {
        let queue = suspended()
        let succeeded = try await queue.run(.succeeded(Blob()))
        let failed = try await queue.run(.failed(.broken))
        #expect(throws: JobError.alreadyFinished(succeeded, .succeeded)) { try queue.cancel(succeeded) }
        #expect(throws: JobError.alreadyFinished(failed, .failed)) { try queue.cancel(failed) }
        #expect(try queue.job(succeeded).outputWord == "available")
    }

    @Test func cancelsAllThatLive() async throws {
        let queue = suspended()
        let done = try await queue.run(.succeeded(Blob()))
        let receiving = Box<JobID>()
        let running = try queue.submit { context in
            queue.cancelAll()
            return context.isCancelled ? .canceled : .failed(.broken)
        }
        let queued = try queue.submit()
        receiving.add(try queue.admit(""))
        await queue.runAll()
        #expect(try queue.job(done).status == .succeeded)
        for id in [running, queued] + receiving.values {
            #expect(try queue.job(id).status == .canceled)
        }
    }

    @Test func deletesInEveryStatus() async throws {
        let queue = suspended()
        let receiving = try queue.admit("")
        let queued = try queue.submit()
        for id in [receiving, queued] {
            try queue.delete(id)
            #expect(throws: JobError.unknown(id)) { try queue.job(id) }
        }
        #expect(throws: JobError.unknown(receiving)) { try queue.enqueue(receiving) { _ in .canceled } }
        let canceledSeen = Box<Bool>()
        let running = try queue.submit { context in
            try? queue.delete(context.id)
            canceledSeen.add(context.isCancelled)
            context.report(imagesDone: 1)
            return .succeeded(Blob(9))
        }
        await queue.runAll()
        #expect(canceledSeen.values == [true])
        #expect(throws: JobError.unknown(running)) { try queue.job(running) }
        let finished = try await queue.run(.succeeded(Blob(9)))
        #expect(queue.counts.outputBytes == 9)
        try queue.delete(finished)
        #expect(throws: JobError.unknown(finished)) { try queue.job(finished) }
        #expect(throws: JobError.unknown(finished)) { try queue.delete(finished) }
        #expect(queue.counts == JobCounts())
    }

    @Test func runsOthersAfterManyWereCanceled() async throws {
        let queue = suspended(limits(workers: 2, backlog: 1))
        for _ in 0..<50 {
            try queue.cancel(try queue.submit())
        }
        let last = try queue.submit()
        await queue.runAll()
        #expect(try queue.job(last).status == .succeeded)
        #expect(queue.counts[.canceled] == 50)
    }

    @Test func dropsWorkBeforeItTellsThatItEnded() async throws {
        let queue = suspended()
        let id = try queue.admit("")
        let watch = try enqueueWatched(queue, id)
        let gone = Box<Bool>()
        queue.whenFinal(id) { _ in gone.add(watch.isGone) }
        #expect(!watch.isGone)
        await queue.runAll()
        #expect(gone.values == [true])
    }
}
