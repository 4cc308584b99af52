import Memory
import Testing

@testable import Scoring

@Suite struct ReducedPixelsTests {
    private typealias Sample = PixelAccumulatorTests.Sample

    /// Arrays as a client sends them, made of what the engine finds.
    private struct Arrays {
        var own: [Double]
        var largest: [Double]
        var predicted: [Int]

        init(_ pixels: ScoredPixels) throws {
            let (own, largest, predicted) = try #require(pixels.reduced)
            (self.own, self.largest, self.predicted) = (own.values, largest.values, predicted.values)
        }

        func reduced(
            _ shape: [Int], _ type: ElementType, order: TensorLayout.Order = .c, chunk: Int = 0,
            codes: ElementType.Scalar = .uint16
        ) throws -> ReducedPixels {
            let scores = try [(ScoringError.Array.own, own), (.largest, largest)].map { name, values in
                let array = try FileArray(values, shape: shape, type: type, order: order)
                let scores = try ReducedScores(name, layout: array.layout, pixelLimit: values.count)
                try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try scores.receive(bytes) }
                return scores
            }
            let classes = try FileArray(
                predicted.map { .integer(Int64($0)) }, shape: shape, type: ElementType(codes), order: order)
            let labels = try LabelAccumulator(layout: classes.layout, pixelLimit: predicted.count, of: .predicted)
            try classes.forEachChunk(of: chunk) { bytes throws(ScoringError) in try labels.receive(bytes) }
            return ReducedPixels(own: scores[0], largest: scores[1], predicted: labels.finish())
        }
    }

    private func pixels(_ sample: Sample, _ type: ElementType) throws -> ScoredPixels {
        let array = try FileArray(sample.probabilities, shape: sample.shape, type: type)
        let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout)
        try accumulator.receive(array.bytes.span)
        return accumulator.finish()
    }

    private func stack(_ shape: [Int]) -> [Int] { [shape[0], shape[2], shape[3]] }

    @Test(arguments: PixelAccumulatorTests.shapes + [[2, 255, 5, 3], [1, 256, 4, 9]], floatTypes)
    func scoreAsTheProbabilitiesDo(shape: [Int], type: ElementType) throws {
        for (isWide, ignored) in [(false, nil), (false, 0), (true, 1000)] as [(Bool, Int64?)] {
            let sample = Sample(shape: shape, scalar: type.scalar, isWide: isWide)
            let (softmin, learning) = (
                Softmin(temperature: 0.1, ignoredLabel: ignored), ConfidentLearning(ignoredLabel: ignored)
            )
            let arrays = try Arrays(try pixels(sample, type))
            let soft = try #require(try softmin.score(pixels(sample, type)))
            let joint = try #require(try learning.score(pixels(sample, type)))
            for order in orders {
                for (chunk, loop) in [(1, ImageLoop.serial), (7, lanes), (0, lanes)] {
                    func again() throws -> ScoredPixels {
                        try arrays.reduced(stack(shape), type, order: order, chunk: chunk).scored(
                            labels: sample.map(), classCount: shape[1], ignoredLabel: ignored, on: loop)
                    }
                    let found = try #require(try softmin.score(again()))
                    #expect(found.pixelScores.elementType == soft.pixelScores.elementType)
                    #expect(found.pixelScores.values == soft.pixelScores.values)
                    #expect(found.imageScores.values == soft.imageScores.values)
                    #expect(found.predicted?.values == soft.predicted?.values)
                    let issues = try #require(try learning.score(again()))
                    #expect(issues.labelIssues?.mask.values == joint.labelIssues?.mask.values)
                    #expect(issues.labelIssues?.statistics == joint.labelIssues?.statistics)
                    #expect(issues.imageScores.values == joint.imageScores.values)
                }
            }
        }
    }

    /// Three lanes, one after another.
    private let lanes = ImageLoop(lanes: 3, pixelsAtOnce: 1) { lanes, body in
        for lane in 0..<lanes { body(lane) }
    }

    private let shape = [2, 3, 4, 5]

    /// What is thrown for arrays of which one was changed.
    private func error(
        ignoring ignored: Int64? = nil, classCount: Int = 3, _ change: (inout Arrays, [Int]) -> Void
    ) throws -> ScoringError? {
        let sample = Sample(shape: shape, scalar: .float32)
        var arrays = try Arrays(try pixels(sample, ElementType(.float32)))
        change(&arrays, sample.labels)
        do {
            _ = try arrays.reduced(stack(shape), ElementType(.float32)).scored(
                labels: sample.map(), classCount: classCount, ignoredLabel: ignored)
            return nil
        } catch let error as ScoringError {
            return error
        }
    }

    private let place = ScoringError.Position(image: 1, row: 2, column: 3)
    private let pixel = 33

    @Test(arguments: [Double.nan, .infinity, -0.001, 1.1]) func refuseWhatIsNoProbability(value: Double) throws {
        for array in [ScoringError.Array.own, .largest] {
            let found = try error { arrays, _ in
                if array == .own { arrays.own[pixel] = value } else { arrays.largest[pixel] = value }
            }
            guard case .reducedOutOfRange(array, let bad, place)? = found else {
                Issue.record("\(String(describing: found))")
                continue
            }
            #expect(bad.bitPattern == Double(Float(value)).bitPattern || bad.isNaN && value.isNaN)
        }
    }

    @Test func refuseAClassThatThereIsNot() throws {
        let found = try error { arrays, _ in arrays.predicted[pixel] = 3 }
        #expect(found == .predictedOutOfRange(.integer(3), at: place, classCount: 3))
        #expect(try error(classCount: 4) { arrays, _ in arrays.predicted[pixel] = 3 } == nil)
    }

    @Test func refuseAnOwnProbabilityBeyondTheLargest() throws {
        let found = try error { arrays, labels in
            arrays.predicted[pixel] = (labels[pixel] + 1) % 3
            (arrays.own[pixel], arrays.largest[pixel]) = (0.75, 0.5)
        }
        #expect(found == .reducedMismatch(own: 0.75, largest: 0.5, isPredicted: false, at: place))
        #expect(
            try error { arrays, labels in
                arrays.predicted[pixel] = (labels[pixel] + 1) % 3
                (arrays.own[pixel], arrays.largest[pixel]) = (0.500005, 0.5)
            } == nil)
    }

    @Test func refuseAPredictedLabelThatIsNotTheMostProbable() throws {
        let found = try error { arrays, labels in
            arrays.predicted[pixel] = labels[pixel]
            (arrays.own[pixel], arrays.largest[pixel]) = (0.25, 0.5)
        }
        #expect(found == .reducedMismatch(own: 0.25, largest: 0.5, isPredicted: true, at: place))
    }

    @Test func takeAnythingOfIgnoredPixels() throws {
        let label = Sample(shape: shape, scalar: .float32).labels[pixel]
        #expect(
            try error(ignoring: Int64(label)) { arrays, _ in
                (arrays.own[pixel], arrays.largest[pixel]) = (0.75, 0.5)
            } == nil)
    }

    @Test func refuseALabelBeforeWhatIsOfIt() throws {
        let found = try error(classCount: 2) { arrays, _ in
            arrays.own = arrays.own.map { _ in 1 }
            arrays.predicted = arrays.predicted.map { _ in 0 }
        }
        guard case .labelOutOfRange(.integer(2), _, 2)? = found else {
            Issue.record("\(String(describing: found))")
            return
        }
    }

    @Test func refuseOtherShapesAndTypes() throws {
        let sample = Sample(shape: shape, scalar: .float32)
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [2, 4, 5])
        let other = try TensorLayout(elementType: ElementType(.float32), shape: [2, 5, 4])
        let double = try TensorLayout(elementType: ElementType(.float64), shape: [2, 4, 5])
        func scored(_ own: TensorLayout, _ largest: TensorLayout?) throws -> ScoredPixels {
            try ReducedPixels(
                own: ReducedScores(.own, layout: own, pixelLimit: 40),
                largest: largest.map { try ReducedScores(.largest, layout: $0, pixelLimit: 40) }, predicted: nil
            ).scored(labels: sample.map(), classCount: 3, ignoredLabel: nil)
        }
        #expect(throws: ScoringError.shapeMismatch(.own, expected: [2, 4, 5], actual: [2, 5, 4])) {
            try scored(other, nil)
        }
        #expect(throws: ScoringError.shapeMismatch(.largest, expected: [2, 4, 5], actual: [2, 5, 4])) {
            try scored(layout, other)
        }
        #expect(throws: ScoringError.reducedTypes(own: .float32, largest: .float64)) { try scored(layout, double) }
    }

    /// Volumes, in the order of their file too, and a single image without an axis of images.
    @Test(arguments: [[2, 2, 3, 4], [5, 4], [7]], orders) func haveTheShapeOfLabels(
        shape: [Int], order: TensorLayout.Order
    ) throws {
        let count = shape.reduce(1, *)
        let labels = try FileArray(
            (0..<count).map { .integer(Int64($0 % 3)) }, shape: shape, type: ElementType(.uint8), order: order)
        let own = (0..<count).map { Double($0) / 64 }
        func array(_ name: ScoringError.Array, _ values: [Double]) throws -> ReducedScores {
            let file = try FileArray(values, shape: shape, type: ElementType(.float64), order: order)
            let scores = try ReducedScores(name, layout: file.layout, pixelLimit: count)
            try scores.receive(file.bytes.span)
            return scores
        }
        func classes() throws -> ArrivedLabels {
            let accumulator = try LabelAccumulator(layout: labels.layout, pixelLimit: count)
            try accumulator.receive(labels.bytes.span)
            return accumulator.finish()
        }
        let axes = try AxisReading(labels: shape, reduced: shape)
        #expect(axes.hasImageAxis == (shape.count > 2))
        var arrived = try classes()
        let pixels = try ReducedPixels(own: array(.own, own), largest: array(.largest, own), predicted: classes())
            .scored(labels: arrived.classes(by: nil, as: axes.labels(shape)), classCount: 3, ignoredLabel: nil)
        #expect(pixels.shape.labels.dimensions == shape)
        #expect(pixels.scores.values == own)
        #expect(pixels.predicted?.values == (0..<count).map { $0 % 3 })
    }

    @Test func refuseLayoutsThatCannotBe() throws {
        func make(_ shape: [Int], _ scalar: ElementType.Scalar, limit: Int = 40) throws {
            let layout = try TensorLayout(elementType: ElementType(scalar), shape: shape)
            _ = try ReducedScores(.own, layout: layout, pixelLimit: limit)
        }
        let many = [Int](repeating: 1, count: 8)
        #expect(throws: ScoringError.dimensions(.own, shape: many)) { try make(many, .float32) }
        #expect(throws: ScoringError.dimensions(.own, shape: [])) { try make([], .float32) }
        #expect(throws: ScoringError.emptyArray(.own, shape: [2, 0, 5])) { try make([2, 0, 5], .float32) }
        #expect(throws: ScoringError.elementType(.own, .int32)) { try make([2, 4, 5], .int32) }
        #expect(throws: ScoringError.tooManyPixels(.own, count: 40, limit: 39)) {
            try make([2, 4, 5], .float32, limit: 39)
        }
    }

    /// Rounding had led them there, and what the engine finds itself is treated alike.
    @Test func bringOwnIntoTheRangeAndLeaveTheLargest() throws {
        let layout = try TensorLayout(elementType: ElementType(.float64), shape: [1, 1, 3])
        let array = try FileArray([1.000001, -0.000001, 0.5], shape: [1, 1, 3], type: ElementType(.float64))
        for (name, expected) in [
            (ScoringError.Array.own, [1, 0, 0.5]), (.largest, [1.000001, -0.000001, 0.5]),
        ] {
            let scores = try ReducedScores(name, layout: layout, pixelLimit: 3)
            try scores.receive(array.bytes.span)
            #expect(scores.scores.values == expected)
            #expect(scores.clampedCount == 2)
        }
    }
}
