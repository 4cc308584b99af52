import Dispatch
import Synchronization
import Testing

@testable import Threads

@Suite struct LanesTests {
    @Test(arguments: [1, 2, 5])
    func callsEachLaneOnce(count: Int) {
        let lanes = Mutex<[Int]>([])
        Lanes.perform(count) { lane in lanes.withLock { $0.append(lane) } }
        #expect(lanes.withLock { $0.sorted() } == Array(0..<count))
    }

    /// The lanes meet, which they can only if all of them run at once, while nobody gets a thread of the global queue.
    @Test func getThreadsWhereTheGlobalQueueHasNone() {
        let release = DispatchSemaphore(value: 0)
        let blocked = 64
        for _ in 0..<blocked { DispatchQueue.global().async { release.wait() } }
        let arrived = Atomic(0)
        let everybodyIsThere = DispatchSemaphore(value: 0)
        let others = Mutex(0)
        Lanes.perform(4) { _ in
            if arrived.add(1, ordering: .relaxed).newValue == 4 {
                for _ in 0..<3 { everybodyIsThere.signal() }
            } else if everybodyIsThere.wait(timeout: .now() + 20) == .success {
                others.withLock { $0 += 1 }
            }
        }
        #expect(others.withLock { $0 } == 3)
        for _ in 0..<blocked { release.signal() }
    }
}
