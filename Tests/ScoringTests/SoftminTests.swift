import Glibc
import Memory
import Synchronization
import Testing

@testable import Scoring

@Suite struct SoftminTests {
    static let sizes = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000, 4096]
    static let temperatures = [0.01, 0.05, 0.1, 0.5, 1, 5]

    /// The inner product of the scores with softmax((1 − s) / T), as cleanlab writes it.
    static func formula(_ scores: [Double], temperature: Double) -> Double {
        let greatest = scores.map { (1 - $0) / temperature }.max() ?? 0
        var sum = 0.0
        var weights = 0.0
        for score in scores {
            let weight = exp((1 - score) / temperature - greatest)
            weights += weight
            sum += weight * score
        }
        return sum / weights
    }

    /// Scores in `[0, 1]` are summed in float64: n additions and as many weights are off by 2⁻⁵³ each, twice, since
    /// the reference is a loop of the same length; its exponents, up to 1/T, are off by as much relative to their size.
    static func tolerance(count: Int, temperature: Double) -> Double {
        4 * (Double(count) + 1 / temperature) * 0x1p-53
    }

    /// Scores whose own label is 0 everywhere, so that probabilities are the pixel scores.
    private func score(
        _ values: [Double], scalar: ElementType.Scalar, labels: [Int64]? = nil, classCount: Int = 1, softmin: Softmin
    ) throws -> SegmentationScores {
        let labels = labels ?? values.map { _ in 0 }
        let map = try LabelMap.reading(
            FileArray(labels.map { .integer($0) }, shape: [1, 1, values.count], type: ElementType(.int64)))
        let planes = (0..<classCount).flatMap { _ in values }
        let array = try FileArray(planes, shape: [1, classCount, 1, values.count], type: ElementType(scalar))
        let accumulator = try PixelAccumulator(labels: map, layout: array.layout)
        try accumulator.receive(array.bytes.span)
        return try #require(try softmin.score(accumulator.finish()))
    }

    private func numbers(_ count: Int, in range: ClosedRange<Double> = 0...1, scalar: ElementType.Scalar) -> [Double] {
        var generator = Numbers(seed: UInt64(count))
        return (0..<count).map { _ in rounded(Double.random(in: range, using: &generator), to: scalar) }
    }

    @Test(arguments: sizes, temperatures) func agreesWithTheFormula(count: Int, temperature: Double) throws {
        for scalar in [ElementType.Scalar.float16, .bfloat16, .float32, .float64] {
            for range in [0...1, 0.99...1, 0...1e-3] {
                let values = numbers(count, in: range, scalar: scalar)
                let scores = try score(values, scalar: scalar, softmin: Softmin(temperature: temperature))
                let expected = Self.formula(values, temperature: temperature)
                #expect(
                    abs(scores.imageScores.span[0] - expected) <= Self.tolerance(count: count, temperature: temperature)
                )
                #expect(scores.pixelScores.values == values)
            }
        }
    }

    @Test(arguments: sizes, [0, 0.1, 0.3, 0.7, 1]) func givesEqualScoresBack(count: Int, value: Double) throws {
        for scalar in [ElementType.Scalar.float32, .float64] {
            for temperature in Self.temperatures {
                let value = rounded(value, to: scalar)
                let scores = try score(
                    Array(repeating: value, count: count), scalar: scalar, softmin: Softmin(temperature: temperature))
                #expect(
                    abs(scores.imageScores.span[0] - value) <= Self.tolerance(count: count, temperature: temperature))
            }
        }
    }

    @Test(arguments: [1e-300, 1e-9, 1e-3]) func tendsToTheMinimum(temperature: Double) throws {
        let scores = try score(
            [0.9, 0.2, 1, 0.7, 0.4], scalar: .float64, softmin: Softmin(temperature: temperature))
        #expect(scores.imageScores.span[0] == 0.2)
    }

    @Test(arguments: [1e9, 1e300]) func tendsToTheMean(temperature: Double) throws {
        let scores = try score([0.5, 0.25, 0.75, 1, 0], scalar: .float64, softmin: Softmin(temperature: temperature))
        // The weights differ by exp(1e-9) - 1 at most.
        #expect(abs(scores.imageScores.span[0] - 0.5) <= 1e-9)
    }

    @Test(arguments: [1, -1, 255, 1000, 65_535, 70_000] as [Int64], [ElementType.Scalar.float32, .float64])
    func leavesOutTheIgnoredLabel(label: Int64, scalar: ElementType.Scalar) throws {
        for count in [2, 9, 33, 65] {
            let values = numbers(count, scalar: scalar)
            let labels = (0..<count).map { $0 % 3 == 1 ? label : 0 }
            let scores = try score(
                values, scalar: scalar, labels: labels, classCount: 2,
                softmin: Softmin(temperature: 0.1, ignoredLabel: label))
            let kept = zip(values, labels).filter { $0.1 == 0 }.map(\.0)
            #expect(
                abs(scores.imageScores.span[0] - Self.formula(kept, temperature: 0.1))
                    <= Self.tolerance(count: count, temperature: 0.1))
            #expect(scores.pixelScores.values == zip(values, labels).map { $1 == 0 ? $0 : 1 })
        }
    }

    @Test(arguments: [0, 255, -1] as [Int64]) func scoresAnImageOfIgnoredPixelsOne(label: Int64) throws {
        let scores = try score(
            [0.1, 0.2, 0.3], scalar: .float32, labels: [label, label, label], classCount: 2,
            softmin: Softmin(temperature: 0.1, ignoredLabel: label))
        #expect(scores.imageScores.span[0] == 1)
        #expect(scores.pixelScores.values == [1, 1, 1])
    }

    @Test func scoresEachImageByItsOwnPixels() throws {
        let sample = PixelAccumulatorTests.Sample(shape: [5, 3, 4, 7], scalar: .float64)
        let array = try FileArray(sample.probabilities, shape: sample.shape, type: ElementType(.float64))
        let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout)
        try accumulator.receive(array.bytes.span)
        let done = Mutex<[Int]>([])
        let scores = try #require(
            try Softmin(temperature: 0.1).score(accumulator.finish()) { count in
                done.withLock { $0.append(count) }
                return true
            })
        let expected = stride(from: 0, to: 140, by: 28).map {
            Self.formula(Array(sample.scores()[$0..<$0 + 28]), temperature: 0.1)
        }
        for image in 0..<5 {
            #expect(
                abs(scores.imageScores.span[image] - expected[image]) <= Self.tolerance(count: 28, temperature: 0.1))
        }
        #expect(done.withLock { $0 } == [1, 2, 3, 4, 5])
        #expect(DatasetScores([scores]).ranking() == (0..<5).sorted { expected[$0] < expected[$1] })
        // Scores, and one byte each for a pixel's label and its most probable class.
        #expect(scores.byteCount == 5 * 8 + 140 * (8 + 1 + 1 + 8))
        #expect(scores.shape == (try ScoringShape(labels: [5, 4, 7], predictedProbabilities: sample.shape)))
    }

    @Test func stopsWhereProgressSaysSo() throws {
        let sample = PixelAccumulatorTests.Sample(shape: [5, 1, 1, 1], scalar: .float32)
        let accumulator = try PixelAccumulator(
            labels: sample.map(), layout: TensorLayout(elementType: ElementType(.float32), shape: sample.shape))
        let done = Mutex<[Int]>([])
        let scores = try Softmin(temperature: 1).score(accumulator.finish()) { count in
            done.withLock { $0.append(count) }
            return count < 2
        }
        #expect(scores == nil)
        #expect(done.withLock { $0 } == [1, 2])
    }

    @Test func scoresTheSameOnSeveralLanes() throws {
        let sample = PixelAccumulatorTests.Sample(shape: [9, 3, 4, 7], scalar: .float32)
        let array = try FileArray(sample.probabilities, shape: sample.shape, type: ElementType(.float32))
        let scores = try [ImageLoop.serial, .threads(4, pixelsAtOnce: 28)].map { loop in
            let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout)
            try accumulator.receive(array.bytes.span)
            return try #require(try Softmin(temperature: 0.1).score(accumulator.finish(), on: loop))
        }
        #expect(scores[0].imageScores.values == scores[1].imageScores.values)
    }

    @Test func refusesALabelThatIsNoClass() {
        #expect(
            throws: ScoringError.labelOutOfRange(.integer(2), at: .init(image: 0, row: 0, column: 1), classCount: 2)
        ) {
            _ = try score(
                [0.5, 0.5], scalar: .float32, labels: [1, 2], classCount: 2, softmin: Softmin(temperature: 1))
        }
    }

    @Test func refusesASecondOddLabelBesideTheIgnoredOne() {
        #expect(
            throws: ScoringError.labelOutOfRange(
                .integer(70_000), at: .init(image: 0, row: 0, column: 2), classCount: 2)
        ) {
            _ = try score(
                [0.5, 0.5, 0.5], scalar: .float32, labels: [0, -1, 70_000], classCount: 2,
                softmin: Softmin(temperature: 1, ignoredLabel: -1))
        }
    }
}
