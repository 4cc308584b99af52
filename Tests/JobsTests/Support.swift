import Foundation
import Jobs
import Synchronization

/// Text as details, blobs as output.
enum TestKind: JobKind {
    typealias Details = String
    typealias Part = Blob
    typealias Output = Blob
    typealias Key = String
    typealias Fingerprint = Int
    typealias Remark = String
    enum Failure: Error { case broken }
}

/// An output of which a test can tell whether anybody still holds it.
final class Blob: JobOutput {
    let byteCount: Int

    init(_ byteCount: Int = 1) {
        self.byteCount = byteCount
    }
}

/// Says whether an object is gone.
final class Watch: Sendable {
    private weak let object: Blob?

    init(_ object: Blob) {
        self.object = object
    }

    var isGone: Bool { object == nil }
}

/// Work that holds on to an object as long as anybody holds on to the work.
func watchedWork(_ body: @escaping @Sendable () -> Void = {}) -> (JobWork<TestKind>, Watch) {
    let blob = Blob()
    let work: JobWork<TestKind> = { _ in
        body()
        return blob.byteCount == 1 ? .failed(.broken) : .canceled
    }
    return (work, Watch(blob))
}

/// Time that passes when the test says so.
final class ManualClock: Sendable {
    private struct State {
        var now = Date(timeIntervalSince1970: 1_000_000)
        var scheduled: [(date: Date, body: @Sendable () -> Void)] = []
    }

    private let state = Mutex(State())

    var now: Date { state.withLock { $0.now } }
    var scheduledCount: Int { state.withLock { $0.scheduled.count } }

    var clock: JobClock {
        JobClock(now: { self.now }) { seconds, body in
            self.state.withLock { $0.scheduled.append(($0.now.addingTimeInterval(seconds), body)) }
        }
    }

    /// Lets time pass unnoticed.
    func jump(_ seconds: TimeInterval) {
        state.withLock { $0.now.addTimeInterval(seconds) }
    }

    /// Lets time pass, and makes the calls that are due.
    func advance(_ seconds: TimeInterval) {
        jump(seconds)
        let due = state.withLock { state in
            let due = state.scheduled.filter { $0.date <= state.now }.map(\.body)
            state.scheduled.removeAll { $0.date <= state.now }
            return due
        }
        for body in due {
            body()
        }
    }
}

typealias Queue = JobQueue<TestKind>

func limits(
    workers: Int = 1, backlog: Int = 100, timeToLive: TimeInterval = 60, resultBytes: Int = 1000, history: Int = 100
) -> JobLimits {
    JobLimits(
        workers: workers, backlog: backlog, timeToLive: timeToLive, resultBytes: resultBytes, history: history)
}

/// A queue of which nothing runs until it is resumed.
func suspended(_ limits: JobLimits = limits(), _ clock: ManualClock = ManualClock()) -> Queue {
    let queue = Queue(limits: limits, clock: clock.clock)
    queue.isSuspended = true
    return queue
}

extension JobQueue<TestKind> {
    /// Admits a job and enqueues its work.
    func submit(_ details: String = "", work: @escaping JobWork<TestKind>) throws -> JobID {
        let id = try admit(details)
        try enqueue(id, work: work)
        return id
    }

    /// Admits a job that succeeds when it runs.
    func submit(_ details: String = "", bytes: Int = 1) throws -> JobID {
        try submit(details) { _ in .succeeded(Blob(bytes)) }
    }

    /// The job when it has ended.
    func final(_ id: JobID) async -> Job<TestKind>? {
        await withCheckedContinuation { continuation in
            whenFinal(id) { continuation.resume(returning: $0) }
        }
    }

    /// Resumes the queue, waits until everything has run, and suspends it again, so that what a test does next meets no
    /// job that runs already.
    func runAll() async {
        isSuspended = false
        await withCheckedContinuation { continuation in
            whenIdle { continuation.resume() }
        }
        isSuspended = true
    }

    /// Runs a job to a given end.
    func run(_ outcome: JobOutcome<TestKind>) async throws -> JobID {
        let id = try submit { _ in outcome }
        await runAll()
        return id
    }
}

extension Job<TestKind> {
    /// What there is of the output, as a word.
    var outputWord: String {
        switch output {
        case .none: "none"
        case .available: "available"
        case .expired: "expired"
        }
    }
}
