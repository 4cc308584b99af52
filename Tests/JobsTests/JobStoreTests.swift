import Foundation
import Jobs
import Testing
import TestSupport

/// What a queue has its store do.
@Suite struct JobStoreTests {
    /// Takes down in words what it is told.
    private struct ToldStore: JobStore {
        typealias Kind = TestKind

        var outlivesProcess = true
        var isFailing = false
        /// Why it keeps no outputs.
        var refusal: TestKind.Failure?
        let told = Box<String>()

        func attach(_ queue: JobQueue<TestKind>) { told.add("attach") }
        func close() {}
        func begin(_ job: Job<TestKind>) { told.add("begin \(job.details)") }
        func open(_ job: Job<TestKind>) throws(TestKind.Failure) {}
        func write(_ part: Blob, as file: Int, of job: JobID) throws(TestKind.Failure) -> Blob { part }
        func add(_ part: Blob, as number: Int, to job: JobID) throws(TestKind.Failure) {}
        func discard(_ part: Blob, of job: JobID) {}
        func finish(_ job: JobID) throws(TestKind.Failure) {}

        func accept(
            _ job: JobID, _ input: JobInput<TestKind>, _ fingerprint: Int?
        ) throws(TestKind.Failure) -> JobInput<TestKind> { input }

        func attempt<Answer>(
            _ job: JobID, on parts: [Blob], _ body: ([Blob]) throws(TestKind.Failure) -> Answer
        ) throws(TestKind.Failure) -> Answer { try body(parts) }

        func takeBackAttempt(_ job: JobID) { told.add("take back") }

        func keep(
            _ output: Blob, of job: JobID, for seconds: TimeInterval
        ) throws(TestKind.Failure) -> Blob {
            told.add("keep \(output.byteCount) for \(Int(seconds))")
            if let refusal { throw refusal }
            return Blob(output.byteCount + 1)
        }

        func add(_ remarks: [String], after number: Int, to job: JobID) throws(TestKind.Failure) {}
        func remarks(on job: JobID) throws(TestKind.Failure) -> [String] { [] }
        func proveOutputs() throws(TestKind.Failure) {}
        func handle(_ event: JobEvent<TestKind>) { told.add(event.words) }
        func settle(_ job: JobID) throws(TestKind.Failure) {}
    }

    private let clock = ManualClock()

    private func queue(_ store: ToldStore, _ limits: JobLimits = limits()) -> Queue {
        let queue = Queue(limits: limits, clock: clock.clock, store: store) { store.told.add("event " + $0.words) }
        queue.isSuspended = true
        return queue
    }

    @Test func isToldOfWhatBecomesOfJobsAfterThoseWhoCount() async throws {
        let store = ToldStore()
        let queue = queue(store)
        let id = try queue.admit("promised", isPromised: true)
        let other = try queue.admit("waited for")
        try queue.cancel(other)
        try queue.delete(id)
        #expect(
            store.told.values == [
                "attach", "begin promised", "event ended \(other) canceled", "ended \(other) canceled",
                "event ended \(id) canceled", "ended \(id) canceled", "event forgotten \(id)", "forgotten \(id)",
            ])
    }

    @Test func keepsOutputsInItsOwnForm() async throws {
        let store = ToldStore()
        let queue = queue(store)
        let id = try queue.admit("")
        try queue.enqueue(id, parts: [Blob(), Blob()]) { _ in .succeeded(Blob(5)) }
        #expect(try queue.job(id).parts.count == 2)
        await queue.runAll()
        #expect(store.told.values == ["attach", "keep 5 for 60"] + both("ended \(id) succeeded"))
        #expect(try queue.job(id).requireOutput().byteCount == 6 && queue.counts.outputBytes == 6)
        #expect(try queue.job(id).parts.isEmpty, "a job that has ended needs them no more")
    }

    @Test func keepsNoOutputThatIsDroppedAtOnce() async throws {
        let store = ToldStore()
        let queue = queue(store, limits(resultBytes: 4))
        let id = try queue.admit("")
        try queue.enqueue(id) { _ in .succeeded(Blob(5)) }
        await queue.runAll()
        #expect(store.told.values == ["attach"] + both("ended \(id) succeeded") + both("expired \(id)"))
    }

    @Test func failsTheJobWhoseOutputItRefuses() async throws {
        let queue = queue(ToldStore(refusal: .broken))
        let id = try queue.submit()
        await queue.runAll()
        #expect(try queue.job(id).status == .failed && queue.job(id).failure == .broken)
    }

    @Test func takesBackTheAttemptOfWorkThatReturnsUndone() async throws {
        let store = ToldStore()
        let queue = queue(store)
        let (undone, other) = (try queue.submit { _ in .again(after: 1) }, try queue.submit { _ in .canceled })
        queue.isSuspended = false
        #expect(await queue.final(other)?.status == .canceled)
        #expect(try queue.job(undone).status == .queued)
        #expect(store.told.values.prefix(2) == ["attach", "take back"])
    }

    /// Nobody can bring them input any more.
    @Test(arguments: [true, false]) func decidesWhetherOpenJobsGoOnWhenTheQueueDrains(outlivesProcess: Bool) throws {
        let queue = queue(ToldStore(outlivesProcess: outlivesProcess))
        let (open, receiving) = (try queue.open(""), try queue.admit(""))
        queue.drain()
        #expect(try queue.job(open).status == (outlivesProcess ? .open : .canceled))
        #expect(try queue.job(receiving).status == .receiving)
    }

    private func both(_ words: String) -> [String] { ["event " + words, words] }
}
