import Memory
import Testing

@testable import Scoring

@Suite struct OwnProbabilitiesTests {
    private typealias Sample = PixelAccumulatorTests.Sample

    /// Labels in blocks, as masks have them.
    private func sample(_ shape: [Int], _ scalar: ElementType.Scalar) -> ([Int], Sample) {
        let sample = Sample(shape: shape, scalar: scalar)
        let labels = (0..<sample.pixelCount).map { pixel in
            let (line, column) = pixel.quotientAndRemainder(dividingBy: shape[3])
            return (line / 5 * 7 + column / 3) % shape[1]
        }
        return (labels, sample)
    }

    @Test(
        arguments: [[1, 1, 1, 1], [3, 2, 7, 1], [2, 3, 5, 9], [1, 300, 40, 6], [2, 21, 50, 33], [1, 5, 17, 65]],
        floatTypes)
    func areThoseThatAllProbabilitiesGive(shape: [Int], type: ElementType) throws {
        let (labels, sample) = sample(shape, type.scalar)
        let array = try FileArray(sample.probabilities, shape: shape, type: type)
        for ignored in [nil, 0, 1000] as [Int64?] {
            let accumulator = try PixelAccumulator(labels: LabelMap.reading(labels, shape), layout: array.layout)
            try accumulator.receive(array.bytes.span)
            let softmin = Softmin(temperature: 0.1, ignoredLabel: ignored)
            let expected = try #require(try softmin.score(accumulator.finish()))
            for count in [1, 2, 5] {
                let own = try OwnProbabilities(
                    labels: LabelMap.reading(labels, shape), layout: array.layout, ignoredLabel: ignored)
                let bands = try own.bands(count)
                #expect(bands.count == min(count, shape[2]))
                try array.read(into: bands.reversed())
                let found = try #require(try softmin.score(own.finish()))
                #expect(found.pixelScores.values == expected.pixelScores.values)
                #expect(found.imageScores.values == expected.imageScores.values)
            }
        }
    }

    private func pieces(_ labels: [Int], _ shape: [Int]) throws -> [Range<Int>] {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: shape)
        let own = try OwnProbabilities(labels: LabelMap.reading(labels, shape), layout: layout, ignoredLabel: nil)
        return Array(try own.bands(1)[0].pieces.map(\.bytes))
    }

    /// Of each class, only from its first pixel to its last.
    @Test func readLittleElse() throws {
        var labels = [Int](repeating: 0, count: 2 * 32 * 64)
        for row in 3..<6 {
            for column in 20..<30 { labels[row * 64 + column] = 7 }
        }
        let plane = 32 * 64
        let expected = [0..<plane, 7 * plane + 3 * 64 + 20..<7 * plane + 5 * 64 + 30, 10 * plane..<11 * plane]
        #expect(try pieces(labels, [2, 10, 32, 64]) == expected.map { $0.lowerBound * 4..<$0.upperBound * 4 })
    }

    /// 4096 pixels of float32 are as much as a call is worth.
    @Test(arguments: [(4096, 1), (4097, 2)]) func passOverLongGaps(_ gapAndCount: (gap: Int, count: Int)) throws {
        let (gap, count) = gapAndCount
        let labels = [1] + [Int](repeating: 0, count: gap) + [1, 1]
        let start = 4 * labels.count
        let all = [start..<start + 4 * labels.count]
        let ends = [start..<start + 4, start + 4 * (gap + 1)..<start + 4 * labels.count]
        let found = try pieces(labels, [1, 2, 1, labels.count])
        #expect(found.filter { $0.lowerBound >= start } == (count == 1 ? all : ends))
    }

    @Test func refuseWhatIsNoProbabilityWhereTheyRead() throws {
        let shape = [1, 2, 1, 4]
        let labels = try LabelMap.reading([1, 1, 0, 0], shape)
        for (index, isRead) in [(0, false), (3, true), (5, true), (6, false)] {
            var values = [Double](repeating: 0.5, count: 8)
            values[index] = 1.5
            let array = try FileArray(values, shape: shape, type: ElementType(.float32))
            let own = try OwnProbabilities(labels: labels, layout: array.layout, ignoredLabel: nil)
            let error = ScoringError.probabilityOutOfRange(
                1.5, at: .init(image: 0, row: 0, column: index % 4), classIndex: index / 4,
                .percentagesOrLogits)
            if isRead {
                #expect(throws: error) { try array.read(into: try own.bands(1)) }
            } else {
                try array.read(into: try own.bands(1))
            }
        }
    }

    @Test func leaveLabelsThatAreNoClassToSoftmin() throws {
        let shape = [1, 2, 1, 3]
        let array = try FileArray([Double](repeating: 0.5, count: 6), shape: shape, type: ElementType(.float64))
        for label in [2, -1, 70_000] {
            let own = try OwnProbabilities(
                labels: LabelMap.reading([0, label, 1], shape), layout: array.layout, ignoredLabel: nil)
            try array.read(into: try own.bands(1))
            #expect(
                throws: ScoringError.labelOutOfRange(
                    .integer(Int64(label)), at: .init(image: 0, row: 0, column: 1), classCount: 2)
            ) {
                _ = try Softmin(temperature: 1).score(own.finish())
            }
        }
    }
}
