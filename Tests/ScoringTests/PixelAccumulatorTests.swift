import Memory
import Testing

@testable import Scoring

@Suite struct PixelAccumulatorTests {
    static let shapes =
        [
            [1, 1, 1, 1], [5, 1, 1, 1], [1, 2, 1, 7], [3, 2, 7, 1], [2, 1, 3, 5], [2, 3, 5, 9], [1, 4, 9, 5],
            [1, 300, 2, 3],
            [3, 17, 3, 2],
        ] + [7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65].map { [2, 2, 1, $0] }

    /// Probabilities and labels of a shape `(N, K, H, W)`.
    struct Sample {
        let shape: [Int]
        let labels: [Int]
        var probabilities: [Double]

        var pixelCount: Int { shape[0] * shape[2] * shape[3] }

        /// - Parameter isWide: Whether a label that is no class makes the codes two bytes wide.
        init(shape: [Int], scalar: ElementType.Scalar, isWide: Bool = false, seed: UInt64 = 3) {
            var numbers = Numbers(seed: seed)
            self.shape = shape
            probabilities = (0..<shape.reduce(1, *)).map { _ in
                rounded(Double.random(in: 0...1, using: &numbers), to: scalar)
            }
            labels = (0..<shape[0] * shape[2] * shape[3]).map { pixel in
                isWide && pixel % 4 == 0 ? 1000 : Int.random(in: 0..<shape[1], using: &numbers)
            }
        }

        func map() throws -> LabelMap {
            try LabelMap.reading(labels, shape)
        }

        /// What each pixel gives to its own label, by the definition; 0 where that is no class.
        func scores() -> [Double] {
            var result: [Double] = []
            for n in 0..<shape[0] {
                for y in 0..<shape[2] {
                    for x in 0..<shape[3] {
                        let label = labels[(n * shape[2] + y) * shape[3] + x]
                        let index = ((n * shape[1] + label) * shape[2] + y) * shape[3] + x
                        result.append(label < shape[1] ? probabilities[index] : 0)
                    }
                }
            }
            return result
        }
    }

    @Test(arguments: shapes, floatTypes)
    func keepsTheMostProbableClassAndHowProbableItIs(shape: [Int], type: ElementType) throws {
        var sample = Sample(shape: shape, scalar: type.scalar)
        // Few levels, so that there are equals among them.
        sample.probabilities = sample.probabilities.map { ($0 * 3).rounded() / 4 }
        let plane = shape[2] * shape[3]
        let all = (0..<sample.pixelCount).map { pixel in
            (0..<shape[1]).map {
                sample.probabilities[(pixel / plane * shape[1] + $0) * plane + pixel % plane]
            }
        }
        for order in orders {
            let array = try FileArray(sample.probabilities, shape: shape, type: type, order: order)
            for chunk in [1, 7, 64, 0] {
                let pixels = try accumulate(sample.map(), array, chunk: chunk)
                #expect(pixels.predicted?.values == all.map { $0.firstIndex(of: $0.max() ?? 0) })
                #expect(pixels.largest?.values == all.map { $0.max() })
            }
        }
    }

    private func accumulate(_ labels: LabelMap, _ array: FileArray, chunk: Int) throws -> ScoredPixels {
        let accumulator = try PixelAccumulator(labels: labels, layout: array.layout)
        try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        #expect(accumulator.imagesDone == array.layout.shape[0])
        return accumulator.finish()
    }

    @Test(arguments: shapes, floatTypes)
    func keepsWhatEachPixelGivesToItsOwnLabel(shape: [Int], type: ElementType) throws {
        for isWide in [false, true] {
            let sample = Sample(shape: shape, scalar: type.scalar, isWide: isWide)
            let labels = try sample.map()
            for order in orders {
                let array = try FileArray(sample.probabilities, shape: shape, type: type, order: order)
                for chunk in [1, 3, 7, 64, 0] {
                    let pixels = try accumulate(labels, array, chunk: chunk)
                    #expect(pixels.scores.values == sample.scores(), "\(order), chunks of \(chunk), wide: \(isWide)")
                    #expect(pixels.scores.elementType.scalar == (type.scalar == .float64 ? .float64 : .float32))
                    #expect(pixels.labels.codeValues == sample.labels)
                }
            }
        }
    }

    /// Types that are converted go through a block of fixed size; this array is several of them.
    @Test(arguments: floatTypes, orders)
    func readsMoreThanOneBlock(type: ElementType, order: TensorLayout.Order) throws {
        let sample = Sample(shape: [2, 3, 37, 41], scalar: type.scalar)
        let array = try FileArray(sample.probabilities, shape: sample.shape, type: type, order: order)
        for chunk in [4099, 0] {
            #expect(try accumulate(sample.map(), array, chunk: chunk).scores.values == sample.scores())
        }
    }

    static let badValues: [Double] = [.nan, .infinity, -.infinity, -0.1, 1.000011, 2, 7.5, -0.000011]

    @Test(arguments: badValues, floatTypes)
    func namesTheFirstValueThatIsNoProbability(bad: Double, type: ElementType) throws {
        // 1.000011 is 1 in float16 and bfloat16: there the next number over 1 stands for it.
        let next = type.scalar == .float16 ? Double(Float16(1).nextUp) : 1 + 0x1p-7
        let bad = rounded(bad, to: type.scalar) == 1 ? next : rounded(bad, to: type.scalar)
        let shape = [2, 3, 5, 9]
        let sample = Sample(shape: shape, scalar: type.scalar)
        let labels = try sample.map()
        for (image, classIndex, row, column) in [(0, 0, 0, 0), (0, 2, 4, 8), (1, 0, 0, 3), (1, 1, 3, 7), (1, 2, 4, 8)] {
            var values = sample.probabilities
            values[((image * shape[1] + classIndex) * shape[2] + row) * shape[3] + column] = bad
            for order in orders {
                let array = try FileArray(values, shape: shape, type: type, order: order)
                for chunk in [1, 7, 64, 0] {
                    let error = #expect(throws: ScoringError.self) {
                        try accumulate(labels, array, chunk: chunk)
                    }
                    guard case .probabilityOutOfRange(let value, let position, let found, _)? = error else {
                        Issue.record("\(String(describing: error))")
                        continue
                    }
                    #expect(value == bad || value.isNaN && bad.isNaN)
                    #expect(position == .init(image: image, row: row, column: column))
                    #expect(found == classIndex)
                }
            }
        }
    }

    @Test(arguments: [8, 9, 16, 33, 65]) func namesTheFirstOfSeveralInARun(width: Int) throws {
        let labels = try LabelMap.reading(
            FileArray([Double](repeating: 0, count: width), shape: [1, 1, width], type: ElementType(.uint8)))
        for first in 0..<width {
            var values = [Double](repeating: 0.5, count: width)
            for index in first..<width { values[index] = 2 + Double(index) }
            let array = try FileArray(values, shape: [1, 1, 1, width], type: ElementType(.float32))
            #expect(
                throws: ScoringError.probabilityOutOfRange(
                    2 + Double(first), at: .init(image: 0, row: 0, column: first), classIndex: 0,
                    width + 1 > 20 ? .percentages : .percentagesOrLogits)
            ) {
                try accumulate(labels, array, chunk: 0)
            }
        }
    }

    @Test(arguments: floatTypes) func takesTheEndsOfTheRangeAsTheyAre(type: ElementType) throws {
        let ends = [-0.0, 0.0, 1.0, rounded(5.9604644775390625e-08, to: type.scalar)]
        let labels = try LabelMap.reading(
            FileArray([Double](repeating: 0, count: 4), shape: [1, 2, 2], type: ElementType(.bool)))
        let array = try FileArray(ends, shape: [1, 1, 2, 2], type: type)
        let scores = try accumulate(labels, array, chunk: 0).scores.values
        #expect(scores == ends)
        #expect(scores.map(\.sign) == [.minus, .plus, .plus, .plus])
    }

    /// Every float16 in range, against the compiler's own conversion.
    @Test(arguments: [false, true]) func widensEveryFloat16(isByteSwapped: Bool) throws {
        let halves = (0...Float16(1).bitPattern).map { Double(Float16(bitPattern: $0)) }
        let labels = try LabelMap.reading(
            FileArray(
                [Double](repeating: 0, count: halves.count), shape: [1, 1, halves.count], type: ElementType(.uint8)))
        let array = try FileArray(
            halves, shape: [1, 1, 1, halves.count], type: ElementType(.float16, isByteSwapped: isByteSwapped))
        #expect(try accumulate(labels, array, chunk: 0).scores.values == halves)
    }

    /// Every bfloat16 in range: each is the upper half of a float32.
    @Test(arguments: [false, true]) func widensEveryBFloat16(isByteSwapped: Bool) throws {
        let upperHalves = 0...UInt32(0x3F80)
        let values = upperHalves.map { Double(Float(bitPattern: $0 << 16)) }
        let labels = try LabelMap.reading(
            FileArray(
                [Double](repeating: 0, count: values.count), shape: [1, 1, values.count], type: ElementType(.uint8)))
        let type = ElementType(.bfloat16, isByteSwapped: isByteSwapped)
        let array = FileArray(
            layout: try TensorLayout(elementType: type, shape: [1, 1, 1, values.count]),
            bytes: upperHalves.flatMap { half in
                let bytes = [UInt8(half & 0xFF), UInt8(half >> 8)]
                return isByteSwapped ? bytes.reversed() : bytes
            })
        #expect(try accumulate(labels, array, chunk: 0).scores.values == values)
    }

    @Test func countsTheImagesThatAreInWhole() throws {
        let sample = Sample(shape: [3, 2, 2, 2], scalar: .float32)
        let byImage = try FileArray(sample.probabilities, shape: sample.shape, type: ElementType(.float32))
        let accumulator = try PixelAccumulator(labels: sample.map(), layout: byImage.layout)
        var counts: [Int] = []
        try byImage.forEachChunk(of: 16) { bytes throws(ScoringError) in
            try accumulator.receive(bytes)
            counts.append(accumulator.imagesDone)
        }
        #expect(counts == [0, 1, 1, 2, 2, 3])
    }

    @Test func countsNoImageBeforeTheLastByteInFortranOrder() throws {
        let sample = Sample(shape: [3, 2, 2, 2], scalar: .float32)
        let array = try FileArray(
            sample.probabilities, shape: sample.shape, type: ElementType(.float32), order: .fortran)
        let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout)
        var counts: [Int] = []
        try array.forEachChunk(of: 48) { bytes throws(ScoringError) in
            try accumulator.receive(bytes)
            counts.append(accumulator.imagesDone)
        }
        #expect(counts == [0, 3])
    }

    @Test(arguments: ElementType.Scalar.allCases.filter { !$0.isFloatingPoint })
    func refusesTypesThatAreNotFloats(scalar: ElementType.Scalar) throws {
        let labels = try LabelMap.reading(FileArray([0], shape: [1, 1, 1], type: ElementType(.uint8)))
        let layout = try TensorLayout(elementType: ElementType(scalar), shape: [1, 1, 1, 1])
        #expect(throws: ScoringError.elementType(.predictedProbabilities, scalar)) {
            try PixelAccumulator(labels: labels, layout: layout)
        }
    }

    @Test func refusesAShapeThatLabelsDoNotHave() throws {
        let labels = try LabelMap.reading(FileArray([0, 0], shape: [1, 1, 2], type: ElementType(.uint8)))
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [1, 3, 2, 1])
        #expect(
            throws: ScoringError.shapeMismatch(
                .predictedProbabilities, expected: [1, 3, 1, 2], actual: [1, 3, 2, 1])
        ) {
            try PixelAccumulator(labels: labels, layout: layout)
        }
    }
}
