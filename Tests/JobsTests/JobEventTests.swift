import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobEventTests {
    private let clock = ManualClock()
    private let events = Box<String>()

    private func suspendedQueue(_ limits: JobLimits = limits()) -> Queue {
        let queue = Queue(limits: limits, clock: clock.clock, onEvent: { [events] in events.add($0.words) })
        queue.isSuspended = true
        return queue
    }

    @Test func tellOfALiveJobThatIsDeletedFirstThatItHasEnded() async throws {
        let queue = suspendedQueue()
        for id in [try queue.admit(""), try queue.submit(), try queue.open("")] {
            try queue.delete(id)
            #expect(events.values.suffix(2) == ["ended \(id) canceled", "forgotten \(id)"])
        }
        let ran = try queue.submit { [weak queue] context in
            try? queue?.delete(context.id)
            return .succeeded(Blob())
        }
        await queue.runAll()
        #expect(events.values.suffix(2) == ["ended \(ran) canceled", "forgotten \(ran)"])
        #expect(events.values.count == 8)
    }

    @Test func tellOfAJobThatHasEndedOnlyThatItIsForgotten() async throws {
        let queue = suspendedQueue()
        let id = try await queue.run(.succeeded(Blob()))
        try queue.delete(id)
        #expect(events.values == ["ended \(id) succeeded", "forgotten \(id)"])
    }

    @Test func tellOfAnOutputWhoseTimeIsOver() async throws {
        let queue = suspendedQueue(limits(timeToLive: 60))
        let id = try await queue.run(.succeeded(Blob()))
        let other = try await queue.run(.failed(.broken))
        clock.advance(59)
        #expect(events.values == ["ended \(id) succeeded", "ended \(other) failed"])
        clock.advance(1)
        #expect(events.values.dropFirst(2) == ["expired \(id)"])
        _ = queue.counts
        clock.advance(60)
        #expect(events.values.count == 3)
    }

    @Test func tellOfAnOutputThatMadeRoom() async throws {
        let queue = suspendedQueue(limits(resultBytes: 10))
        let first = try await queue.run(.succeeded(Blob(6)))
        let second = try await queue.run(.succeeded(Blob(5)))
        let tooLarge = try await queue.run(.succeeded(Blob(11)))
        #expect(
            events.values == [
                "ended \(first) succeeded", "ended \(second) succeeded", "expired \(first)",
                "ended \(tooLarge) succeeded", "expired \(tooLarge)",
            ])
    }

    @Test func tellOfWhatIsWithdrawnOnlyThatItIsForgotten() throws {
        let queue = suspendedQueue()
        let (receiving, queued) = (try queue.admit(""), try queue.submit())
        queue.withdraw(receiving)
        queue.withdraw(queued)
        queue.withdraw(receiving)
        #expect(events.values == ["forgotten \(receiving)"])
    }

    @Test func tellOfTheOldestOfTooMany() async throws {
        let queue = suspendedQueue(limits(history: 2))
        var ids: [JobID] = []
        for _ in 0..<3 { ids.append(try await queue.run(.succeeded(Blob()))) }
        #expect(
            events.values == ids.map { "ended \($0) succeeded" } + ["forgotten \(ids[0])"])
    }

    /// Who stops a server waits for that, and what events bring about is done then.
    @Test func areToldBeforeTheQueueIsIdle() async throws {
        let place = Box<Queue>()
        let seen = Box<String>()
        // Longer than the slowest machine takes.
        let queue = Queue(
            limits: limits(timeToLive: 86_400),
            onEvent: { event in
                place.values.first?.whenIdle { seen.add("idle") }
                seen.add(event.words)
            })
        place.add(queue)
        let id = try queue.submit()
        await withCheckedContinuation { continuation in
            queue.whenIdle { continuation.resume() }
        }
        #expect(seen.values == ["ended \(id) succeeded", "idle"])
    }

    @Test func areToldOutsideOfTheLock() throws {
        let seen = Box<String>()
        let place = Box<Queue>()
        let queue = Queue(
            limits: limits(),
            onEvent: { event in
                guard case .ended(let job) = event, let queue = place.values.first else { return }
                seen.add((try? queue.job(job.id).status.rawValue) ?? "unknown")
            })
        place.add(queue)
        try queue.cancel(try queue.admit(""))
        try queue.delete(try queue.admit(""))
        #expect(seen.values == ["canceled", "unknown"])
    }
}

extension JobEvent<TestKind> {
    /// What an event tells, in words.
    var words: String {
        switch self {
        case .ended(let job): "ended \(job.id) \(job.status.rawValue)"
        case .prolonged(let job): "prolonged \(job.id)"
        case .expired(let id): "expired \(id)"
        case .spoiled(let job): "spoiled \(job.id) \(job.status.rawValue)"
        case .forgotten(let id, _): "forgotten \(id)"
        }
    }
}
