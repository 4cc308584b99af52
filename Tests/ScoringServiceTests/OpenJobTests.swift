import HTTPTypes
import Jobs
import Memory
import Scoring
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService
@testable import WebService

@Suite struct OpenJobTests {
    private let job = OpenJob(JobID(), Parameters(known: []), byteLimit: 1000)

    /// One image of one pixel, of so many classes.
    private func part(
        classCount: Int, _ scalar: ElementType.Scalar = .float32, key: String? = nil
    ) throws -> JobPart {
        let labels = try LabelAccumulator(
            layout: TensorLayout(elementType: ElementType(.uint8), shape: [1, 1, 1]), pixelLimit: 1)
        try labels.receive([0].span)
        let layout = try TensorLayout(elementType: ElementType(scalar), shape: [1, classCount, 1, 1])
        var arrived = labels.finish()
        let pixels = try PixelAccumulator(labels: arrived.classes(by: nil), layout: layout)
        try pixels.receive([UInt8](repeating: 0, count: layout.byteCount).span)
        return JobPart(.waiting(pixels.finish()), key: key)
    }

    private func problem(_ body: () throws(Problem) -> some Sendable) -> ProblemType? {
        do throws(Problem) {
            _ = try body()
            return nil
        } catch {
            return error.type
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
        #expect(try job.add(first).firstImage == 0)
        #expect(problem { () throws(Problem) in try job.add(second) } == .batchMismatch)
        #expect(problem { () throws(Problem) in try job.add(third) } == .batchMismatch)
        #expect(problem { () throws(Problem) in try job.close() } == .batchArriving)
        job.abandon(key: nil)
        job.abandon(key: nil)
        #expect(try job.close().count == 1)
        #expect(problem { () throws(Problem) in try job.begin(key: nil) } == .jobNotOpen)
    }

    @Test func isIdleWhileNothingArrives() throws {
        #expect((job.idleTime ?? -1) >= 0)
        _ = try job.begin(key: "a")
        #expect(job.idleTime == nil)
        #expect(problem { () throws(Problem) in try job.begin(key: "a") } == .batchArriving)
        job.abandon(key: "a")
        #expect((job.idleTime ?? -1) >= 0)
        #expect(try job.begin(key: "a") == nil, "the key is free again")
    }

    @Test func takesNothingAfterItHasEnded() throws {
        _ = try job.begin(key: nil)
        job.discard()
        let late = try part(classCount: 1)
        #expect(problem { () throws(Problem) in try job.add(late) } == .jobNotOpen)
        #expect(problem { () throws(Problem) in try job.check(classCount: 1, .float32) } == .jobNotOpen)
    }

    @Test func hasNoBatchThatCouldNotBeTakenDown() throws {
        let part = try part(classCount: 2, key: "a")
        _ = try job.begin(key: "a")
        var places: [Int] = []
        let answer = problem { () throws(Problem) in
            try job.add(part) { (batch) throws(Problem) in
                places = [batch.index, batch.firstImage]
                throw Problem(.stateFull, "Full.")
            }
        }
        #expect(answer == .stateFull && places == [0, 0])
        job.abandon(key: "a")
        #expect(problem { () throws(Problem) in try job.close() } == .noBatches)
        #expect(try job.begin(key: "a") == nil, "the key is free again")
        #expect(try job.add(part).index == 0)
    }

    @Test func staysOpenWhereItsEndCouldNotBeTakenDown() throws {
        _ = try job.begin(key: nil)
        _ = try job.add(try part(classCount: 2))
        let refusal = Problem(.stateFull, "")
        #expect(
            problem { () throws(Problem) in
                try job.close { () throws(Problem) in throw refusal }.count
            } == .stateFull)
        #expect(try job.begin(key: nil) == nil)
        job.abandon(key: nil)
        #expect(try job.close().count == 1)
    }

    @Test func goesOnWithTheBatchesOfAnotherProcess() throws {
        let (first, second) = (try part(classCount: 3, key: "a"), try part(classCount: 3))
        let job = OpenJob(
            JobID(), Parameters(known: []), byteLimit: first.byteCount + second.byteCount,
            parts: [first, second])
        #expect(try job.begin(key: "a")?.batch.index == 0)
        #expect(try job.begin(key: "b") == nil)
        #expect(problem { () throws(Problem) in try job.check(classCount: 2, .float32) } == .batchMismatch)
        #expect(problem { () throws(Problem) in try job.add(first) } == .jobTooLarge)
        job.abandon(key: "b")
        #expect(try job.close().count == 2)
    }

    /// The number of a batch that was refused is not given again, and so may be missing.
    @Test func numbersFilesAfterThoseOfAnotherProcess() throws {
        #expect((job.nextFile(), job.nextFile()) == (0, 1))
        guard case .waiting(var pixels) = try part(classCount: 3).images else {
            throw Unexpected(description: "a part")
        }
        try pixels.settle(ignoredLabel: nil)
        let contents = pixels.stored.contents
        let parts = [0, 4, 2].map { file in
            JobPart(.stored(StoredPart(file: file, contents: contents, isScored: false)))
        }
        let next = OpenJob(JobID(), Parameters(known: []), byteLimit: 1000, parts: parts)
        #expect(next.nextFile() == 5)
    }
}
