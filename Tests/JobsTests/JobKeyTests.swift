import Foundation
import Jobs
import Testing

/// Requests that come again by their key make no second job.
@Suite struct JobKeyTests {
    private let queue = suspended()

    @Test func standForOneJob() throws {
        let id = try queue.admit("", key: "a")
        #expect(queue.job(of: "a")?.id == id && queue.job(of: "a")?.fingerprint == nil)
        #expect(queue.job(of: "b") == nil)
        #expect(throws: JobError.keyInUse("a")) { try queue.admit("", key: "a") }
        let other = try queue.admit("", key: "b")
        queue.identify(id, by: 7)
        #expect(queue.job(of: "a")?.fingerprint == 7 && queue.job(of: "b")?.fingerprint == nil)
        #expect(queue.job(of: "b")?.id == other)
    }

    @Test func areFreeAgainWhenTheirRequestWillNotBeComplete() throws {
        let first = try queue.admit("", key: "a")
        queue.withdraw(first)
        #expect(queue.job(of: "a") == nil)
        let second = try queue.admit("", key: "a")
        #expect(queue.job(of: "a")?.id == second)
    }

    /// The body of a canceled job is refused, and so the request may come again; the job is remembered all the same.
    @Test func areFreeAgainWhenTheirUploadWasCanceled() throws {
        let first = try queue.admit("", key: "a")
        try queue.cancel(first)
        #expect(throws: JobError.keyInUse("a")) { try queue.admit("", key: "a") }
        queue.withdraw(first)
        #expect(try queue.job(first).status == .canceled && queue.job(first).key == nil)
        let second = try queue.admit("", key: "a")
        #expect(queue.job(of: "a")?.id == second)
        try queue.delete(first)
        #expect(queue.job(of: "a")?.id == second, "the key stands for another by now")
    }

    /// The whole request was here, whatever has become of its job.
    @Test func areKnownAfterTheirJobHasEnded() async throws {
        let canceled = try queue.admit("", key: "a")
        try queue.cancel(canceled)
        queue.identify(canceled, by: 1)
        #expect(queue.job(of: "a")?.id == canceled && queue.job(of: "a")?.fingerprint == 1)
        let done = try queue.admit("", key: "b")
        queue.identify(done, by: 2)
        try queue.enqueue(done) { _ in .succeeded(Blob()) }
        await queue.runAll()
        #expect(queue.job(of: "b")?.status == .succeeded && queue.job(of: "b")?.fingerprint == 2)
    }

    @Test func goWithTheirJob() async throws {
        let queue = suspended(limits(history: 1))
        for key in ["a", "b"] {
            let id = try queue.admit("", key: key)
            try queue.enqueue(id) { _ in .succeeded(Blob()) }
            await queue.runAll()
        }
        #expect(queue.job(of: "a") == nil, "its job is forgotten")
        let last = try #require(queue.job(of: "b"))
        try queue.delete(last.id)
        #expect(queue.job(of: "b") == nil)
    }

    @Test func comeFromAnotherProcessWithTheirJobs() throws {
        let life = JobLifecycle(.receiving, createdAt: Date(timeIntervalSince1970: 0))
        var left = Job<TestKind>(id: JobID(), sequence: 1, lifecycle: life, details: "", key: "a")
        left.fingerprint = 3
        queue.restore([left])
        #expect(queue.job(of: "a")?.id == left.id && queue.job(of: "a")?.fingerprint == 3)
        #expect(throws: JobError.keyInUse("a")) { try queue.admit("", key: "a") }
    }
}
