import Foundation
import Jobs
import Testing
import TestSupport

@Suite struct JobStressTests {
    @Test func everyWaiterIsToldOnceAndNothingStaysBehind() async throws {
        let queue = Queue(limits: limits(workers: 4, backlog: 16, resultBytes: 64, history: 32))
        let told = Box<JobID>()
        let admitted = Box<JobID>()
        await withTaskGroup { group in
            for client in 0..<8 {
                group.addTask {
                    for turn in 0..<100 {
                        // A full queue refuses; so it should.
                        guard let id = try? queue.admit("\(client)") else { continue }
                        admitted.add(id)
                        queue.whenFinal(id, timeout: turn % 5 == 0 ? 0.0001 : nil) { _ in told.add(id) }
                        queue.update(id, imagesDone: turn)
                        if turn % 7 == 0 {
                            queue.withdraw(id)
                            continue
                        }
                        try? queue.enqueue(id) { context in
                            for image in 0..<10 {
                                if context.isCancelled { return .canceled }
                                context.report(imagesDone: image, imagesTotal: 10)
                            }
                            return turn % 3 == 0 ? .failed(.broken) : .succeeded(Blob(turn))
                        }
                        switch turn % 4 {
                        case 0: _ = try? queue.cancel(id)
                        case 1: try? queue.delete(id)
                        default: _ = queue.jobs(limit: 3)
                        }
                    }
                }
            }
        }
        queue.drain()
        await queue.runAll()
        // A timeout may be on its way to its job's waiter still, but the waiter was told.
        #expect(told.values.count == admitted.values.count)
        #expect(Set(told.values) == Set(admitted.values))
        #expect(admitted.values.count > 16)
        let counts = queue.counts
        #expect(counts.backlog == 0 && counts[.running] == 0 && counts.outputBytes <= 64)
        let jobs = queue.jobs(limit: 1000).jobs
        #expect(jobs.count <= 32 && jobs.allSatisfy(\.status.isFinal))
        var kept = 0
        for case .available(let blob) in jobs.map(\.output) { kept += blob.byteCount }
        #expect(kept == counts.outputBytes)
    }
}
