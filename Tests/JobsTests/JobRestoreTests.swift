import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobRestoreTests {
    private let clock = ManualClock()
    private let events = Box<String>()

    private func restored(_ jobs: [Job<TestKind>], _ limits: JobLimits = limits()) -> Queue {
        let queue = Queue(limits: limits, clock: clock.clock, onEvent: { [events] in events.add($0.words) })
        queue.isSuspended = true
        queue.restore(jobs)
        return queue
    }

    /// A job as another process has left it.
    ///
    /// - Parameters:
    ///   - finished: How many seconds ago it has ended.
    ///   - bytes: The size of its output, which is kept for a minute.
    private func job(
        _ sequence: UInt64, _ status: JobStatus, finished: TimeInterval? = nil, bytes: Int? = nil
    ) -> Job<TestKind> {
        let finishedAt = finished.map { clock.now - $0 }
        let life = JobLifecycle(
            status, createdAt: clock.now - 1000, queuedAt: finishedAt.map { $0 - 20 },
            startedAt: finishedAt.map { $0 - 10 }, finishedAt: finishedAt)
        var job = Job<TestKind>(id: JobID(), sequence: sequence, lifecycle: life, details: "\(sequence)")
        job.progress = JobProgress(imagesDone: 1, imagesTotal: 2)
        job.expiresAt = bytes.flatMap { _ in finishedAt.map { $0 + 60 } }
        job.failure = status == .failed ? .broken : nil
        if let bytes { job.output = .available(Blob(bytes)) }
        return job
    }

    private func words(_ queue: Queue, _ jobs: [Job<TestKind>]) -> [String] {
        jobs.map { (try? queue.job($0.id).outputWord) ?? "unknown" }
    }

    @Test func keepsTheOrderAndItsCursors() async throws {
        let before = suspended()
        for _ in 0..<4 { _ = try await before.run(.failed(.broken)) }
        let page = before.jobs(limit: 2)
        let cursor = try #require(page.next)
        let all = before.jobs(limit: 9).jobs.map(\.id)

        let after = restored(before.jobs(limit: 9).jobs.reversed())
        #expect(after.jobs(limit: 9).jobs.map(\.id) == all)
        #expect(after.jobs(after: cursor, limit: 9).jobs.map(\.id) == Array(all[2...]))
        let new = try after.admit("")
        #expect(after.jobs(limit: 9).jobs.map(\.id) == [new] + all)
        #expect(after.jobs(after: cursor, limit: 9).jobs.map(\.id) == Array(all[2...]))
    }

    @Test func numbersNewJobsAfterThoseThatAreThere() throws {
        let queue = restored([job(3, .failed, finished: 1), job(17, .canceled, finished: 2)])
        #expect(try queue.job(try queue.admit("")).sequence == 18)
        #expect(try queue.job(try queue.open("")).sequence == 19)
    }

    @Test func leavesFinalJobsAsTheyWere() throws {
        let jobs = [
            job(1, .succeeded, finished: 10, bytes: 5), job(2, .failed, finished: 9), job(3, .canceled, finished: 8),
        ]
        let queue = restored(jobs)
        for job in jobs {
            let found = try queue.job(job.id)
            #expect((found.sequence, found.status, found.details) == (job.sequence, job.status, job.details))
            #expect(found.createdAt == job.createdAt && found.queuedAt == job.queuedAt)
            #expect(found.startedAt == job.startedAt && found.finishedAt == job.finishedAt)
            #expect(found.expiresAt == job.expiresAt && found.failure == job.failure)
            #expect(found.outputWord == job.outputWord)
            #expect(throws: JobError.alreadyFinished(job.id, job.status)) { try queue.cancel(job.id) }
        }
        #expect(try queue.job(jobs[0].id).requireOutput().byteCount == 5)
        #expect(queue.counts.outputBytes == 5 && queue.counts.backlog == 0)
        #expect(events.values.isEmpty)
    }

    @Test func goesOnWithWhatIsReceiving() async throws {
        let jobs = [job(1, .receiving), job(2, .receiving)]
        let queue = restored(jobs)
        #expect(queue.counts[.receiving] == 2)
        for job in jobs { try queue.enqueue(job.id) { _ in .succeeded(Blob()) } }
        let seen = Box<JobID>()
        for job in jobs { queue.whenFinal(job.id) { if let job = $0 { seen.add(job.id) } } }
        await queue.runAll()
        #expect(seen.values == jobs.map(\.id))
        let ended = try queue.job(jobs[0].id)
        #expect((ended.status, ended.createdAt) == (.succeeded, jobs[0].createdAt))
        #expect(ended.finishedAt == clock.now && ended.expiresAt == clock.now + 60)
    }

    @Test func leavesWhatIsOpenOpen() throws {
        let jobs = [job(1, .open), job(2, .open)]
        let queue = restored(jobs)
        #expect(queue.counts[.open] == 2 && queue.counts.backlog == 0)
        #expect(queue.update(jobs[0].id, imagesDone: 7))
        #expect(try queue.job(jobs[0].id).progress.imagesDone == 7)
        queue.cancelOpen(jobs[1].id)
        #expect(try jobs.map { try queue.job($0.id).status } == [.open, .canceled])
        #expect(events.values == ["ended \(jobs[1].id) canceled"])
    }

    @Test func dropsTheOldestOutputsThatFindNoRoom() throws {
        // In order of creation; the second has ended first.
        let jobs = [
            job(1, .succeeded, finished: 20, bytes: 4), job(2, .succeeded, finished: 30, bytes: 4),
            job(3, .succeeded, finished: 10, bytes: 6), job(4, .succeeded, finished: 5, bytes: 11),
        ]
        let queue = restored(jobs, limits(resultBytes: 10))
        #expect(words(queue, jobs) == ["available", "expired", "available", "expired"])
        #expect(events.values == ["expired \(jobs[1].id)", "expired \(jobs[3].id)"])
        #expect(queue.counts.outputBytes == 10)
        #expect(try queue.job(jobs[1].id).expiresAt == clock.now)
    }

    @Test func forgetsTheOldestThatAreTooMany() throws {
        let jobs = [
            job(1, .succeeded, finished: 20, bytes: 1), job(2, .failed, finished: 30), job(3, .open),
            job(4, .canceled, finished: 10),
        ]
        let queue = restored(jobs, limits(history: 2))
        #expect(words(queue, jobs) == ["available", "unknown", "none", "none"])
        #expect(events.values == ["forgotten \(jobs[1].id)"])
        #expect(queue.counts[.failed] == 0 && queue.counts[.open] == 1)
    }

    @Test func holdsNothingOfWhatItForgets() {
        let jobs = [job(1, .succeeded, finished: 20, bytes: 4), job(2, .succeeded, finished: 10, bytes: 5)]
        #expect(restored(jobs, limits(history: 1)).counts.outputBytes == 5)
        #expect(restored(jobs, limits(history: 0)).counts.outputBytes == 0)
    }

    @Test func dropsOutputsWhoseTimeIsOver() throws {
        let jobs = [
            job(1, .succeeded, finished: 61, bytes: 4), job(2, .succeeded, finished: 60, bytes: 4),
            job(3, .succeeded, finished: 59, bytes: 4),
        ]
        let queue = restored(jobs)
        #expect(words(queue, jobs) == ["expired", "expired", "available"])
        #expect(events.values == ["expired \(jobs[0].id)", "expired \(jobs[1].id)"])
        #expect(try queue.job(jobs[0].id).expiresAt == jobs[0].expiresAt, "it went at its time")
        clock.advance(1)
        #expect(words(queue, jobs) == ["expired", "expired", "expired"])
        #expect(events.values.last == "expired \(jobs[2].id)")
    }

    /// The process before may have kept outputs for longer.
    @Test func dropsNewOutputsAtTheirTimeAlsoBeforeOlderOnes() async throws {
        let old = job(1, .succeeded, finished: 0, bytes: 1)
        let queue = restored([old], limits(timeToLive: 5))
        let new = try await queue.run(.succeeded(Blob()))
        clock.advance(5)
        #expect(events.values == ["ended \(new) succeeded", "expired \(new)"], "nobody has asked for it")
        #expect(try queue.job(old.id).outputWord == "available")
        clock.advance(55)
        #expect(events.values.last == "expired \(old.id)")
        #expect(clock.scheduledCount == 0)
    }

    /// Such a job had an output, which the process before has dropped.
    @Test func keepsInMindWhatHadExpired() throws {
        var old = job(1, .succeeded, finished: 0)
        (old.expiresAt, old.output) = (clock.now, .expired)
        let queue = restored([old])
        #expect(throws: JobError.expired(old.id)) { try queue.job(old.id).requireOutput() }
        #expect(events.values.isEmpty)
    }
}
