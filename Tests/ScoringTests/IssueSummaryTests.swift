import Memory
import Testing

@testable import Scoring

@Suite struct IssueSummaryTests {
    /// Labels and, for each pixel, the class that gets all probability.
    private func scores(labels: [Int], predicted: [Int], classCount: Int) throws -> SegmentationScores {
        let count = labels.count
        let map = try LabelMap.reading(
            FileArray(labels.map { .integer(Int64($0)) }, shape: [1, 1, count], type: ElementType(.uint16)))
        let planes = (0..<classCount).flatMap { k in predicted.map { $0 == k ? 1.0 : 0 } }
        let array = try FileArray(planes, shape: [1, classCount, 1, count], type: ElementType(.float32))
        let accumulator = try PixelAccumulator(labels: map, layout: array.layout)
        try accumulator.receive(array.bytes.span)
        return try #require(try Softmin(temperature: 1).score(accumulator.finish()))
    }

    private func row(_ given: Int, _ predicted: Int, _ count: Int) -> IssueSummary.Row {
        IssueSummary.Row(givenLabel: given, predictedLabel: predicted, issueCount: count)
    }

    @Test(arguments: [3, 300]) func countsPairsMostFrequentFirst(classCount: Int) throws {
        let scores = try scores(
            labels: [0, 0, 1, 1, 1, 2, 2, 0, 0], predicted: [1, 1, 0, 0, 2, 1, 0, 1, 0], classCount: classCount)
        let mask = try Buffer<UInt8>([1, 1, 1, 1, 1, 1, 0, 1, 1])
        let summary = IssueSummary([(mask, scores)])
        #expect(summary.rows == [row(0, 1, 3), row(1, 0, 2), row(0, 0, 1), row(1, 2, 1), row(2, 1, 1)])
        let some = IssueSummary([(mask, scores)], excluding: [1, 2])
        #expect(some.rows == [row(1, 0, 2), row(0, 0, 1)])
    }

    @Test func isEmptyWithoutIssues() throws {
        let scores = try scores(labels: [0, 1], predicted: [1, 0], classCount: 2)
        #expect(IssueSummary([(try Buffer([0, 0]), scores)]).rows == [])
    }

    @Test(arguments: [3, 300]) func keepsTheIssuesThatInvolveAClass(classCount: Int) throws {
        let scores = try scores(labels: [0, 0, 1, 2, 2], predicted: [1, 2, 0, 2, 1], classCount: classCount)
        let mask = try Buffer<UInt8>([1, 1, 1, 1, 0])
        func issues(_ classIndex: Int, _ pixels: Range<Int>) throws -> [UInt8] {
            try scores.issues(ofClass: classIndex, among: mask.span.extracting(pixels), pixels).values
        }
        #expect(try issues(0, 0..<5) == [1, 1, 1, 0, 0])
        #expect(try issues(1, 0..<5) == [1, 0, 1, 0, 0])
        #expect(try issues(2, 0..<5) == [0, 1, 0, 1, 0])
        #expect(try issues(2, 1..<4) == [1, 0, 1])
        #expect(mask.values == [1, 1, 1, 1, 0])
    }
}
