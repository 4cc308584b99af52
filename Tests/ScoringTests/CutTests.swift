import Glibc
import Memory
import Testing

@testable import Scoring

@Suite struct CutTests {
    private func cut(of count: Int, _ values: [Double], _ scalar: ElementType.Scalar, ignoring: [Bool]? = nil) throws
        -> Cut?
    {
        let scores = try PixelScores(count: values.count, for: scalar, of: .predictedProbabilities)
        let labels = try ClassCodes(count: values.count, isWide: false)
        for (index, value) in values.enumerated() {
            switch scores {
            case .float32(let scores): scores.withMutableSpan { $0[index] = Float(value) }
            case .float64(let scores): scores.withMutableSpan { $0[index] = value }
            }
            if case .narrow(let labels) = labels, ignoring?[index] == true {
                labels.withMutableSpan { $0[index] = 9 }
            }
        }
        let cells = ConfidenceCells(
            side: 1, classCount: 1, imageCount: values.count, scores: scores, labels: labels, predicted: labels,
            largest: scores, ignored: -1)
        // An image a cell, on lanes that take some at once.
        let passes = CellPasses([cells], on: .threads(3, pixelsAtOnce: 5)) { true }
        return try Cut(of: count, passes, lowCount: Cut.countLow(cells, 0..<values.count))
    }

    private func expected(of count: Int, _ values: [Double]) -> Cut? {
        guard count > 0 else { return nil }
        let score = values.sorted()[count - 1]
        let below = values.count { $0 < score }
        return Cut(
            score: score, countBelow: below, ties: count - below, equalCount: values.count { $0 == score })
    }

    @Test(arguments: [ElementType.Scalar.float32, .float64])
    func isWhatSortingWouldFind(scalar: ElementType.Scalar) throws {
        var numbers = Numbers(seed: 8)
        for size in [1, 2, 3, 17, 64, 1000, 9000] {
            for exponent in [0, 1, 8, 30, 300] {
                let values = (0..<size).map { _ in
                    // Small numbers too, down to those that have no leading one.
                    let value = Double.random(in: 0...1, using: &numbers)
                    return rounded(scalbn(value, -Int.random(in: 0...exponent, using: &numbers)), to: scalar)
                }
                for count in Set([0, 1, size / 3, size / 2, size - 1, size]) {
                    #expect(try cut(of: count, values, scalar) == expected(of: count, values))
                }
            }
        }
    }

    @Test(arguments: [ElementType.Scalar.float32, .float64]) func countsTies(scalar: ElementType.Scalar) throws {
        let values = [1, 0.5, 0, 0.5, 1, 0.5, 0, 1, 1]
        for count in 1...values.count {
            #expect(try cut(of: count, values, scalar) == expected(of: count, values))
        }
    }

    @Test func takesMinusZeroForZero() throws {
        #expect(try cut(of: 2, [-0.0, 0.5, 0, 0], .float32) == Cut(score: 0, countBelow: 0, ties: 2, equalCount: 3))
    }

    @Test func looksOnlyAtCellsThatTakePart() throws {
        let found = try cut(of: 2, [0.1, 0.2, 0.3, 0.4], .float64, ignoring: [true, false, true, false])
        #expect(found == Cut(score: 0.4, countBelow: 1, ties: 1, equalCount: 1))
    }
}
