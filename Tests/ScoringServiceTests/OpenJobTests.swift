import HTTPTypes
import Jobs
import Scoring
import Tensors
import Testing

@testable import ScoringService

@Suite struct OpenJobTests {
    private let job = OpenJob(JobID(), Parameters(known: []), byteLimit: 1000)

    /// One image of one pixel, of so many classes.
    private func part(classCount: Int, _ scalar: ElementType.Scalar = .float32) throws -> JobPart {
        let labels = try LabelAccumulator(
            layout: TensorLayout(elementType: ElementType(.uint8), shape: [1, 1, 1]), pixelLimit: 1)
        try labels.receive([0].span)
        let layout = try TensorLayout(elementType: ElementType(scalar), shape: [1, classCount, 1, 1])
        let pixels = try PixelAccumulator(labels: labels.finish(), layout: layout)
        try pixels.receive([UInt8](repeating: 0, count: layout.byteCount).span)
        return .waiting(pixels.finish())
    }

    private func problem(_ body: () throws(Problem) -> some Sendable) -> String? {
        do throws(Problem) {
            _ = try body()
            return nil
        } catch {
            return error.slug
        }
    }

    /// Two that came at the same time have both found nothing that they would not go with.
    @Test func holdsBatchesAgainstEachOtherWhenTheyAreAdded() throws {
        let (first, second, third) = (
            try part(classCount: 3), try part(classCount: 2), try part(classCount: 3, .float64)
        )
        for _ in 0..<3 { #expect(try job.begin(key: nil) == nil) }
        try job.check(classCount: 3, .float32)
        try job.check(classCount: 2, .float32)
        #expect(try job.add(first, key: nil).firstImage == 0)
        #expect(problem { () throws(Problem) in try job.add(second, key: nil) } == "batch-mismatch")
        #expect(problem { () throws(Problem) in try job.add(third, key: nil) } == "batch-mismatch")
        #expect(problem { () throws(Problem) in try job.close() } == "batch-arriving")
        job.abandon(key: nil)
        job.abandon(key: nil)
        #expect(try job.close().count == 1)
        #expect(problem { () throws(Problem) in try job.begin(key: nil) } == "job-not-open")
    }

    @Test func isIdleWhileNothingArrives() throws {
        #expect((job.idleTime ?? -1) >= 0)
        _ = try job.begin(key: "a")
        #expect(job.idleTime == nil)
        #expect(problem { () throws(Problem) in try job.begin(key: "a") } == "batch-arriving")
        job.abandon(key: "a")
        #expect((job.idleTime ?? -1) >= 0)
        #expect(try job.begin(key: "a") == nil, "the key is free again")
    }

    @Test func takesNothingAfterItHasEnded() throws {
        _ = try job.begin(key: nil)
        job.discard()
        let late = try part(classCount: 1)
        #expect(problem { () throws(Problem) in try job.add(late, key: nil) } == "job-not-open")
        #expect(problem { () throws(Problem) in try job.check(classCount: 1, .float32) } == "job-not-open")
    }
}
