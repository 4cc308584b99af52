import Memory
import Testing

@testable import Scoring

@Suite struct IssuesFromScoresTests {
    @Test func takesCleanlabsThresholdWhereNoneIsGiven() {
        #expect(IssuesFromScores().threshold == 0.1)
    }

    @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]) func marksScoresBelowTheThreshold(count: Int)
        throws
    {
        var numbers = Numbers(seed: 4)
        let values = (0..<count).map { _ in Float.random(in: 0...1, using: &numbers) }
        for threshold in [0, 0.25, 0.5, 1, Double(values[count / 2])] {
            let issues = IssuesFromScores(threshold: threshold)
            for scores in [PixelScores.float32(try Buffer(values)), .float64(try Buffer(values.map { Double($0) }))] {
                for range in [0..<count, count / 2..<count, 0..<count - 1, count..<count] {
                    let expected = values[range].map { Double($0) < threshold ? UInt8(1) : 0 }
                    #expect(try issues.mask(scores, range).values == expected)
                    #expect(issues.count(scores, range) == expected.count { $0 == 1 })
                }
            }
        }
    }

    /// 0.1 in float32 is above 0.1 in float64, 0.3 likewise, 0.7 below.
    @Test(arguments: [(0.1, false), (0.3, false), (0.7, true), (0.5, false)])
    func comparesFloat32ScoresAsFloat64(threshold: Double, isBelow: Bool) throws {
        let scores = PixelScores.float32(try Buffer([Float(threshold)]))
        let issues = IssuesFromScores(threshold: threshold)
        #expect(issues.count(scores, 0..<1) == (isBelow ? 1 : 0))
        #expect(try issues.mask(scores, 0..<1).values[0] == (isBelow ? 1 : 0))
    }

    @Test func takesAScoreAtTheThresholdForNoIssue() throws {
        let threshold = 0.1
        let buffer = try Buffer([threshold, threshold.nextDown, threshold.nextUp])
        let issues = IssuesFromScores(threshold: threshold)
        #expect(try issues.mask(.float64(buffer), 0..<3).values == [0, 1, 0])
        #expect(issues.images(.float64(buffer)) == [1])
    }

    @Test(
        arguments: [
            (0.5, [0.3, 0.1, 0.7, 0.2], [1, 3, 0]),
            (0.5, [0.2, 0.1, 0.2, 0.1, 0.2], [1, 3, 0, 2, 4]),
            (0.1, [0.3, 0.1, 0.7], []),
            (0.0, [0.0, 0.0], []),
            (1.0, [1.0, 0.9999999], [1]),
            (0.5, [0.4], [0]),
        ] as [(Double, [Double], [Int])])
    func givesTheImagesBelowTheThresholdLowestFirst(threshold: Double, scores: [Double], expected: [Int]) throws {
        #expect(IssuesFromScores(threshold: threshold).images(.float64(try Buffer(scores))) == expected)
    }

    /// NaN is below nothing, and must not spoil the order of the others: it compares with none of them.
    @Test func leavesNaNOut() throws {
        let issues = IssuesFromScores(threshold: 0.5)
        #expect(issues.images(.float64(try Buffer([0.3, .nan, 0.1]))) == [2, 0])
        #expect(
            issues.images(.float64(try Buffer([.nan, 0.4, .nan, 0.3, .nan, 0.2, 0.9, .nan, 0.1]))) == [8, 5, 3, 1])
        #expect(issues.images(.float64(try Buffer([Double.nan]))) == [])
        #expect(try issues.mask(.float64(Buffer([.nan, 0.1])), 0..<2).values == [0, 1])
    }
}
