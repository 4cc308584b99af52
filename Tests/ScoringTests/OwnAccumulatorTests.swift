import Memory
import Testing

@testable import Scoring

@Suite struct OwnAccumulatorTests {
    private typealias Sample = PixelAccumulatorTests.Sample

    /// What each band's labelled classes have there, `(M, R, W)`, by the definition.
    private static func bands(_ sample: Sample, _ labels: [Int], rows: Int, ignored: Int?) -> [Double] {
        let (images, classes, height, width) = (
            sample.shape[0], sample.shape[1], sample.shape[2], sample.shape[3]
        )
        var result: [Double] = []
        for image in 0..<images {
            for top in stride(from: 0, to: height, by: rows) {
                let start = (image * height + top) * width
                let there = Set(labels[start..<start + rows * width]).filter { $0 < classes && $0 != ignored }
                for index in there.sorted() {
                    let first = ((image * classes + index) * height + top) * width
                    result += sample.probabilities[first..<first + rows * width]
                }
            }
        }
        return result
    }

    private static func accumulator(
        _ labels: [Int], _ shape: [Int], _ layout: TensorLayout, ignored: Int64? = nil
    ) throws -> OwnAccumulator {
        try OwnAccumulator(
            labels: LabelMap.reading(labels, shape), layout: layout, classCount: shape[1], ignoredLabel: ignored)
    }

    @Test(
        arguments: [
            ([1, 1, 1, 1], 1), ([3, 2, 7, 1], 7), ([2, 3, 6, 9], 2), ([1, 300, 40, 6], 8), ([2, 21, 50, 33], 25),
            ([2, 5, 16, 65], 1),
        ] as [([Int], Int)],
        floatTypes)
    func takesWhatAllProbabilitiesGive(_ shapeAndRows: ([Int], Int), type: ElementType) throws {
        let (shape, rows) = shapeAndRows
        let sample = Sample(shape: shape, scalar: type.scalar)
        let labels = (0..<sample.pixelCount).map { pixel in
            let (line, column) = pixel.quotientAndRemainder(dividingBy: shape[3])
            return line % 11 == 4 ? 1000 : (line / 5 * 7 + column / 3) % shape[1]
        }
        let array = try FileArray(sample.probabilities, shape: shape, type: type)
        let whole = try PixelAccumulator(labels: LabelMap.reading(labels, shape), layout: array.layout)
        try whole.receive(array.bytes.span)
        let softmin = Softmin(temperature: 0.1, ignoredLabel: 1000)
        let expected = try #require(try softmin.score(whole.finish()))

        let values = Self.bands(sample, labels, rows: rows, ignored: 1000)
        let banded = try FileArray(
            values, shape: [values.count / rows / shape[3], rows, shape[3]], type: type)
        for chunk in [0, 1, 7, 4096] {
            let accumulator = try Self.accumulator(labels, shape, banded.layout, ignored: 1000)
            try banded.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            #expect(accumulator.imagesDone == shape[0])
            let found = try #require(try softmin.score(accumulator.finish()))
            #expect(found.pixelScores.values == expected.pixelScores.values)
            #expect(found.imageScores.values == expected.imageScores.values)
            #expect(found.predicted == nil)
        }
    }

    @Test func leavesOutAClassThatIsIgnored() throws {
        let shape = [2, 2, 1, 2]
        let array = try FileArray([0.25, 0.5], shape: [1, 1, 2], type: ElementType(.float32))
        let accumulator = try Self.accumulator([1, 0, 1, 1], shape, array.layout, ignored: 1)
        #expect(accumulator.imagesDone == 0)
        try accumulator.receive(array.bytes.span)
        #expect(accumulator.imagesDone == 2)
        let scores = try #require(try Softmin(temperature: 1, ignoredLabel: 1).score(accumulator.finish()))
        #expect(scores.pixelScores.values == [1, 0.5, 1, 1])
        #expect(scores.imageScores.values == [0.5, 1])
    }

    @Test func isCompleteWithNothingWhereAllIsIgnored() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [0, 1, 2])
        let accumulator = try Self.accumulator([1, 1, 1, 1], [2, 2, 1, 2], layout, ignored: 1)
        #expect(accumulator.imagesDone == 2)
        let scores = try #require(try Softmin(temperature: 1, ignoredLabel: 1).score(accumulator.finish()))
        #expect(scores.imageScores.values == [1, 1])
    }

    @Test(
        arguments: [
            ([4, 2, 3], [5, 2, 3]), ([6, 2, 3], [5, 2, 3]), ([5, 2, 2], [5, 2, 3]), ([2, 4, 3], [3, 4, 3]),
            // Three rows do not divide four.
            ([5, 3, 3], [3, 4, 3]), ([1, 9, 3], [3, 4, 3]), ([0, 2, 3], [5, 2, 3]),
        ] as [([Int], [Int])])
    func refusesAnotherNumberOfBands(_ shapes: ([Int], [Int])) throws {
        let (shape, expected) = shapes
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: shape)
        // Two classes in the upper band and three in the lower one.
        let labels = [0, 0, 2, 0, 2, 2, 0, 1, 2, 2, 2, 2]
        #expect(throws: ScoringError.shapeMismatch(.predictedProbabilities, expected: expected, actual: shape)) {
            try Self.accumulator(labels, [1, 3, 4, 3], layout)
        }
    }

    /// Of so many bands it is found as they come: to look through all labels would hold up whoever reads.
    @Test(arguments: [-1, 0, 1])
    func refusesAnotherNumberOfManyBandsInTheEnd(excess: Int) throws {
        let count = 20_000
        let labels = (0..<count).map { $0 % 3 == 0 ? 7 : 0 }
        let expected = labels.count { $0 == 0 }
        let array = try FileArray(
            [Double](repeating: 0.5, count: expected + excess), shape: [expected + excess, 1, 1],
            type: ElementType(.float32))
        let accumulator = try Self.accumulator(labels, [count, 2, 1, 1], array.layout, ignored: 7)
        try array.forEachChunk(of: 4096) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        guard excess != 0 else {
            #expect(accumulator.imagesDone == count)
            _ = try accumulator.finish()
            return
        }
        let error = ScoringError.shapeMismatch(
            .predictedProbabilities, expected: [expected, 1, 1], actual: array.layout.shape)
        #expect(throws: error) { _ = try accumulator.finish() }
    }

    @Test func refusesWhatIsNoArrayOfBands() throws {
        func error(_ shape: [Int], _ scalar: ElementType.Scalar, _ order: TensorLayout.Order = .c) throws
            -> ScoringError?
        {
            let layout = try TensorLayout(elementType: ElementType(scalar), shape: shape, order: order)
            return #expect(throws: ScoringError.self) { try OwnAccumulator.check(layout) }
        }
        let array = ScoringError.Array.predictedProbabilities
        #expect(try error([1, 2, 3, 4], .float32) == .rank(array, expected: 3, shape: [1, 2, 3, 4]))
        #expect(try error([1, 2], .float32) == .rank(array, expected: 3, shape: [1, 2]))
        #expect(try error([1, 0, 4], .float32) == .emptyArray(array, shape: [1, 0, 4]))
        #expect(try error([1, 4, 0], .float32) == .emptyArray(array, shape: [1, 4, 0]))
        #expect(try error([1, 2, 4], .int32) == .elementType(array, .int32))
        #expect(try error([1, 2, 4], .float32, .fortran) == .fortranOrder(array))
    }

    @Test func refusesWhatIsNoProbability() throws {
        // Of both images class 1, of the second class 0 ahead of it.
        let shape = [2, 2, 1, 2]
        for (index, place) in [(0, (0, 0, 1)), (1, (0, 1, 1)), (3, (1, 1, 0)), (4, (1, 0, 1))] {
            var values = [Double](repeating: 0.5, count: 6)
            values[index] = 1.5
            let array = try FileArray(values, shape: [3, 1, 2], type: ElementType(.float64))
            let accumulator = try Self.accumulator([1, 1, 0, 1], shape, array.layout)
            let error = ScoringError.probabilityOutOfRange(
                1.5, at: .init(image: place.0, row: 0, column: place.1), classIndex: place.2,
                .percentagesOrLogits)
            #expect(throws: error) { try accumulator.receive(array.bytes.span) }
        }
    }
}
