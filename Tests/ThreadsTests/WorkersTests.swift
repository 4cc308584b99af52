import Dispatch
import Synchronization
import Testing

@testable import Threads

@Suite struct WorkersTests {
    @Test func doOneThingAfterTheOther() async {
        let workers = Workers("test", count: 1)
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<100 {
                workers.perform {
                    seen.withLock { $0.append(number) }
                    if number == 99 { continuation.resume() }
                }
            }
        }
        #expect(seen.withLock { $0 } == Array(0..<100))
    }

    @Test func goOnWhileOneOfThemWaits() async {
        let workers = Workers("test", count: 2)
        let release = DispatchSemaphore(value: 0)
        workers.perform { release.wait() }
        for _ in 0..<10 {
            await withCheckedContinuation { continuation in workers.perform { continuation.resume() } }
        }
        release.signal()
    }
}
