import CScoringKernels
import Glibc
import Memory
import Testing

@testable import Scoring

/// Logits and weights, however they come, against the definition of a softmax in two passes over float64.
@Suite struct ActivationTests {
    private static let shapes = [
        [1, 2, 1, 9], [3, 2, 8, 4], [1, 300, 1, 3], [2, 4, 2, 34], [9, 5, 3, 5],
    ]

    /// Values of which some are far from 0, and labels of which some are no class if codes are wide.
    private struct Sample {
        let shape: [Int]
        let labels: [Int]
        var values: [Double]

        init(_ shape: [Int], _ scalar: ElementType.Scalar, scale: Double, classCount: Int? = nil) {
            var numbers = Numbers(seed: 5)
            self.shape = shape
            values = (0..<shape.reduce(1, *)).map { _ in
                rounded(Double.random(in: -scale...scale, using: &numbers), to: scalar)
            }
            labels = (0..<shape[0] * shape[2] * shape[3]).map { _ in
                Int.random(in: 0..<(classCount ?? shape[1]), using: &numbers)
            }
        }

        /// The values of each pixel.
        func pixels() -> [[Double]] {
            let plane = shape[2] * shape[3]
            return labels.indices.map { pixel in
                (0..<shape[1]).map { values[(pixel / plane * shape[1] + $0) * plane + pixel % plane] }
            }
        }

        /// Puts values of pixels where those of the sample are.
        func array(_ pixels: [[Double]]) -> [Double] {
            let plane = shape[2] * shape[3]
            return (0..<shape[0] * pixels[0].count * plane).map { index in
                let (rest, offset) = index.quotientAndRemainder(dividingBy: plane)
                return pixels[rest / pixels[0].count * plane + offset][rest % pixels[0].count]
            }
        }
    }

    private static func softmax(_ values: [Double]) -> [Double] {
        let most = values.max() ?? 0
        let powers = values.map { exp($0 - most) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    private static func divided(_ values: [Double]) -> [Double] { values.map { $0 / values.reduce(0, +) } }

    private func makeAccumulator(
        _ sample: Sample, _ array: FileArray, _ activation: Activation, downsample: Int = 1
    ) throws -> PixelAccumulator {
        try PixelAccumulator(
            labels: LabelMap.reading(sample.labels, sample.shape), layout: array.layout, activation: activation,
            downsample: downsample)
    }

    /// The pixels by all the ways that the array can come.
    private func allWays(
        _ sample: Sample, _ array: FileArray, _ activation: Activation, downsample: Int = 1
    ) throws -> [ScoredPixels] {
        let isStreamed = FilePieces.areInFileOrder(array.layout.order, downsample: downsample, activation)
        return try (isStreamed ? [7, 64, 0] : []).map { chunk in
            let accumulator = try makeAccumulator(sample, array, activation, downsample: downsample)
            try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            #expect(accumulator.imagesDone == sample.shape[0])
            return accumulator.finish()
        }
            + [1, 3].map { count in
                let accumulator = try makeAccumulator(sample, array, activation, downsample: downsample)
                try array.read(into: try accumulator.bands(count))
                return accumulator.finish()
            }
    }

    /// A value's distance to the expected one, in units of the last place that the scores have.
    private func expectNear(_ found: [Double], _ expected: [Double], isDouble: Bool, _ comment: Comment) {
        let off = zip(found, expected).filter { found, expected in
            isDouble
                ? abs(found - expected) > 16 * expected.ulp
                : abs(Float(found) - Float(expected)) > Float(expected).ulp
        }
        #expect(off.isEmpty, comment)
    }

    @Test(arguments: shapes, [2.0, 3000]) func softmaxIsThatOfTwoPasses(shape: [Int], scale: Double) throws {
        for type in floatTypes { try expectSoftmax(shape, type, scale: scale) }
    }

    private func expectSoftmax(_ shape: [Int], _ type: ElementType, scale: Double) throws {
        let sample = Sample(shape, type.scalar, scale: scale)
        let isDouble = type.scalar == .float64
        let expected = sample.pixels().map(Self.softmax)
        for order in orders {
            let array = try FileArray(sample.values, shape: shape, type: type, order: order)
            var first: [Double]?
            for pixels in try allWays(sample, array, Activation(.softmax)) {
                let scores = pixels.scores.values
                expectNear(
                    scores, zip(expected, sample.labels).map { $0[$1] }, isDouble: isDouble, "own in \(order)")
                #expect(pixels.predicted?.values == sample.pixels().map { $0.firstIndex(of: $0.max() ?? 0) })
                expectNear(
                    try #require(pixels.largest).values, expected.map { $0.max() ?? 0 }, isDouble: isDouble,
                    "largest in \(order)")
                // However the array is cut, its results are the same to the bit.
                #expect(scores == first ?? scores)
                first = scores
            }
        }
    }

    @Test(arguments: shapes, floatTypes) func weightsAreDividedByTheirSum(shape: [Int], type: ElementType) throws {
        var sample = Sample(shape, type.scalar, scale: 3)
        sample.values = sample.values.map(abs)
        let expected = sample.pixels().map(Self.divided)
        for order in orders {
            let array = try FileArray(sample.values, shape: shape, type: type, order: order)
            for pixels in try allWays(sample, array, Activation(.identity, dividesBySum: true)) {
                expectNear(
                    pixels.scores.values, zip(expected, sample.labels).map { $0[$1] },
                    isDouble: type.scalar == .float64, "\(order)")
            }
        }
    }

    @Test(arguments: shapes, floatTypes) func sigmoidIsOfEachClass(shape: [Int], type: ElementType) throws {
        let sample = Sample(shape, type.scalar, scale: 30)
        let expected = sample.pixels().map { $0.map { 1 / (1 + exp(-$0)) } }
        for order in orders {
            let array = try FileArray(sample.values, shape: shape, type: type, order: order)
            for dividesBySum in [false, true] {
                let expected = dividesBySum ? expected.map(Self.divided) : expected
                for pixels in try allWays(sample, array, Activation(.sigmoid, dividesBySum: dividesBySum)) {
                    // A sigmoid is rounded to the type of the scores before it is divided.
                    let found = pixels.scores.values
                    let all = zip(expected, sample.labels).map { $0[$1] }
                    #expect(zip(found, all).allSatisfy { abs($0 - $1) <= 1e-6 * $1 }, "\(order), \(dividesBySum)")
                }
            }
        }
    }

    @Test(
        arguments: [Activation(.sigmoid, isOfTwoClasses: true), Activation(.identity, isOfTwoClasses: true)], [1, 2])
    func oneChannelTellsOfTwoClasses(activation: Activation, downsample: Int) throws {
        for type in floatTypes {
            var sample = Sample([3, 1, 8, 12], type.scalar, scale: 8, classCount: 2)
            if activation.function == .identity { sample.values = sample.values.map { abs($0) / 8 } }
            let two = sample.pixels().map { values in
                let second = activation.function == .sigmoid ? 1 / (1 + exp(-values[0])) : values[0]
                let first = activation.function == .sigmoid ? 1 / (1 + exp(values[0])) : 1 - values[0]
                return [first, second]
            }
            let scalar: ElementType.Scalar = type.scalar == .float64 ? .float64 : .float32
            let whole = try FileArray(sample.array(two), shape: [3, 2, 8, 12], type: ElementType(scalar))
            let accumulator = try makeAccumulator(sample, whole, .identity, downsample: downsample)
            try accumulator.receive(whole.bytes.span)
            let expected = accumulator.finish()
            for order in orders {
                let array = try FileArray(sample.values, shape: sample.shape, type: type, order: order)
                for pixels in try allWays(sample, array, activation, downsample: downsample) {
                    #expect(pixels.shape.classCount == 2)
                    #expect(zip(pixels.scores.values, expected.scores.values).allSatisfy { abs($0 - $1) < 1e-7 })
                    #expect(pixels.predicted?.values == expected.predicted?.values)
                    let issues = try #require(try ConfidentLearning().score(pixels))
                    let others = try #require(try ConfidentLearning().score(expected))
                    #expect(issues.labelIssues?.mask.values == others.labelIssues?.mask.values)
                }
            }
        }
    }

    @Test(arguments: [Activation(.softmax), Activation(.identity, dividesBySum: true)], [2, 4])
    func blocksTakeValuesThatComeTwice(activation: Activation, downsample: Int) throws {
        for type in floatTypes {
            var sample = Sample([2, 5, 8, 12], type.scalar, scale: 4)
            if activation.function == .identity { sample.values = sample.values.map(abs) }
            let probabilities = sample.pixels().map(activation.function == .softmax ? Self.softmax : Self.divided)
            let scalar: ElementType.Scalar = type.scalar == .float64 ? .float64 : .float32
            let whole = try FileArray(sample.array(probabilities), shape: sample.shape, type: ElementType(scalar))
            let ofProbabilities = try makeAccumulator(sample, whole, .identity, downsample: downsample)
            try ofProbabilities.receive(whole.bytes.span)
            let expected = ofProbabilities.finish()
            let array = try FileArray(sample.values, shape: sample.shape, type: type)
            for pixels in try allWays(sample, array, activation, downsample: downsample) {
                #expect(zip(pixels.scores.values, expected.scores.values).allSatisfy { abs($0 - $1) <= 2e-7 * $1 })
                #expect(pixels.predicted?.values == expected.predicted?.values)
                let (found, wanted) = (try #require(pixels.blocks), try #require(expected.blocks))
                #expect(zip(found.scores.values, wanted.scores.values).allSatisfy { abs($0 - $1) <= 2e-7 })
                #expect(zip(found.largest.values, wanted.largest.values).allSatisfy { abs($0 - $1) <= 2e-7 })
                #expect(found.predicted.values == wanted.predicted.values)
            }
            let columns = try FileArray(sample.values, shape: sample.shape, type: type, order: .fortran)
            #expect(throws: ScoringError.fortranOrder(.predictedProbabilities)) {
                try makeAccumulator(sample, columns, activation, downsample: downsample)
            }
        }
    }

    @Test(arguments: floatTypes, orders)
    func someClassesMayBeImpossible(type: ElementType, order: TensorLayout.Order) throws {
        var sample = Sample([2, 4, 3, 5], type.scalar, scale: 5)
        // One class of each pixel stays possible.
        for index in sample.values.indices where index / 15 % 4 != index % 15 % 4 { sample.values[index] = -.infinity }
        let array = try FileArray(sample.values, shape: sample.shape, type: type, order: order)
        let expected = zip(sample.pixels(), sample.labels).map { $0[$1] == -.infinity ? 0.0 : 1.0 }
        for pixels in try allWays(sample, array, Activation(.softmax)) {
            #expect(pixels.scores.values == expected)
        }
    }

    private func error(_ sample: Sample, _ activation: Activation, _ type: ElementType) -> ScoringError? {
        #expect(throws: ScoringError.self) {
            let array = try FileArray(sample.values, shape: sample.shape, type: type)
            let accumulator = try makeAccumulator(sample, array, activation)
            try accumulator.receive(array.bytes.span)
        }
    }

    @Test(arguments: floatTypes, [5, 77, 299]) func refusesWhatNoActivationTakes(type: ElementType, place: Int) throws {
        let shape = [2, 3, 5, 10]
        let bad: [(Activation, [Double])] = [
            (Activation(.softmax), [.nan, .infinity]), (Activation(.sigmoid), [.nan]),
            (Activation(.identity, dividesBySum: true), [.nan, .infinity, -.infinity, -0.5]),
            (Activation(.sigmoid, dividesBySum: true), [.nan]),
        ]
        for (activation, values) in bad {
            for value in values {
                var sample = Sample(shape, type.scalar, scale: 2)
                sample.values = sample.values.map(abs)
                sample.values[place] = value
                let (plane, pixel) = place.quotientAndRemainder(dividingBy: 50)
                guard
                    case .activationInput(_, let found, let position, let classIndex, activation)? = error(
                        sample, activation, type)
                else {
                    Issue.record("\(value) was taken")
                    continue
                }
                #expect(found == value || found.isNaN && value.isNaN)
                #expect(position == .init(image: plane / 3, row: pixel / 10, column: pixel % 10))
                #expect(classIndex == plane % 3)
            }
        }
    }

    @Test func refusesPixelsWithoutProbabilities() {
        var sample = Sample([1, 3, 2, 4], .float32, scale: 2)
        for classIndex in 0..<3 { sample.values[classIndex * 8 + 6] = -.infinity }
        #expect(
            error(sample, Activation(.softmax), ElementType(.float32))
                == .noProbabilities(
                    .predictedProbabilities, at: .init(image: 0, row: 1, column: 2), Activation(.softmax)))
        sample.values = sample.values.map(abs)
        for classIndex in 0..<3 { sample.values[classIndex * 8 + 6] = 0 }
        let sum = Activation(.identity, dividesBySum: true)
        #expect(
            error(sample, sum, ElementType(.float32))
                == .noProbabilities(.predictedProbabilities, at: .init(image: 0, row: 1, column: 2), sum))
    }

    @Test(arguments: floatTypes, orders)
    func refusesProbabilitiesAsLogits(type: ElementType, order: TensorLayout.Order) throws {
        var sample = Sample([9, 3, 4, 5], type.scalar, scale: 2)
        sample.values = sample.array(sample.pixels().map { Self.softmax($0) })
        let array = try FileArray(sample.values, shape: sample.shape, type: type, order: order)
        for chunk in [1, 7, 0] {
            let accumulator = try makeAccumulator(sample, array, Activation(.softmax))
            #expect(throws: ScoringError.probabilitiesAsLogits(.predictedProbabilities)) {
                try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            }
        }
    }

    /// Every level of the loops against the plain one, at lengths around the width of vectors.
    @Test(arguments: KernelLevel.available.dropFirst().map(\.description), KernelLevelTests.counts)
    func everyLevelTakesTheSame(level: String, count: Int) throws {
        let loops = try #require(KernelLevel.available.first { $0.description == level }).loops
        let plain = KernelLevel.available[0].loops
        var numbers = Numbers(seed: UInt64(count))
        let planes = (0..<5).map { _ in (0..<count).map { _ in Double.random(in: -9...9, using: &numbers) } }
        func run(_ loops: segscore_kernels, isLogit: Bool, isStrided: Bool) -> [Double] {
            let stride = isStrided ? 3 : 1
            let labels = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count * stride + 1)
            let predicted = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count * stride + 1)
            let scores = UnsafeMutableBufferPointer<Double>.allocate(capacity: count * stride + 1)
            let largest = UnsafeMutableBufferPointer<Double>.allocate(capacity: count * stride + 1)
            var sums = [Double](repeating: 7, count: count)
            defer {
                labels.deallocate()
                predicted.deallocate()
                scores.deallocate()
                largest.deallocate()
            }
            for index in labels.indices { labels[index] = UInt8(index % 6) }
            predicted.initialize(repeating: 9)
            scores.initialize(repeating: 7)
            largest.initialize(repeating: 7)
            func floats(_ buffer: UnsafeMutableBufferPointer<Double>) -> segscore_floats {
                segscore_floats(start: buffer.baseAddress!, is_double: true)
            }
            for (classIndex, plane) in planes.enumerated() {
                let taken = loops.take_values(
                    isLogit ? plane : plane.map(abs), count, UInt32(classIndex), isLogit,
                    segscore_classes(start: labels.baseAddress!, is_wide: false), floats(scores),
                    segscore_classes(start: predicted.baseAddress!, is_wide: false), floats(largest), stride, &sums)
                #expect(taken == count)
            }
            #expect(loops.normalise(count, isLogit, false, floats(scores), floats(largest), stride, sums) == count)
            return Array(scores) + Array(largest) + predicted.map(Double.init)
        }
        for isLogit in [false, true] {
            for isStrided in [false, true] {
                let found = run(loops, isLogit: isLogit, isStrided: isStrided)
                let expected = run(plain, isLogit: isLogit, isStrided: isStrided)
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 8 * $1.ulp })
            }
        }
    }
}
