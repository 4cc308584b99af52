import Memory
import Testing

@testable import Scoring

@Suite struct ScoreAccumulatorTests {
    @Test(
        arguments: [
            [1, 1, 1], [1, 1, 9], [3, 5, 1], [2, 7, 9], [4, 3, 8], [2, 31, 37], [6], [2, 3], [2, 3, 4, 5],
        ],
        floatTypes)
    func readsPixelScores(shape: [Int], type: ElementType) throws {
        var numbers = Numbers(seed: 5)
        let values = (0..<shape.reduce(1, *)).map { _ in
            rounded(Double.random(in: 0...1, using: &numbers), to: type.scalar)
        }
        for order in orders {
            let array = try FileArray(values, shape: shape, type: type, order: order)
            for chunk in [1, 3, 7, 0] {
                let accumulator = try ScoreAccumulator(.pixelScores, layout: array.layout, limit: values.count)
                array.forEachChunk(of: chunk) { accumulator.receive($0) }
                #expect(accumulator.finish().values == values)
                #expect(accumulator.shape == shape)
            }
        }
    }

    @Test(arguments: [1, 2, 7, 33, 2049], floatTypes) func readsImageScores(count: Int, type: ElementType) throws {
        let values = (0..<count).map { rounded(Double($0) / Double(count), to: type.scalar) }
        for order in orders {
            let array = try FileArray(values, shape: [count], type: type, order: order)
            for chunk in [3, 0] {
                let accumulator = try ScoreAccumulator(.imageScores, layout: array.layout, limit: count)
                array.forEachChunk(of: chunk) { accumulator.receive($0) }
                #expect(accumulator.finish().values == values)
            }
        }
    }

    @Test(
        arguments: [
            (.imageScores, []), (.imageScores, [1, 2]), (.imageScores, [2, 3, 4]), (.pixelScores, []),
            (.pixelScores, [1, 1, 1, 1, 1, 1, 1, 2]),
        ] as [(ScoringError.Array, [Int])])
    func refusesAnotherRank(array: ScoringError.Array, shape: [Int]) throws {
        let layout = try TensorLayout(elementType: ElementType(.float64), shape: shape)
        let expected =
            array == .imageScores
            ? ScoringError.rank(array, expected: 1, shape: shape) : .dimensions(array, shape: shape)
        #expect(throws: expected) { try ScoreAccumulator(array, layout: layout, limit: 100) }
    }

    @Test func refusesAnEmptyArray() throws {
        let layout = try TensorLayout(elementType: ElementType(.float64), shape: [0])
        #expect(throws: ScoringError.emptyArray(.imageScores, shape: [0])) {
            try ScoreAccumulator(.imageScores, layout: layout, limit: 100)
        }
    }

    @Test func refusesMoreThanTheLimit() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [2, 3, 4])
        _ = try ScoreAccumulator(.pixelScores, layout: layout, limit: 24)
        #expect(throws: ScoringError.tooManyPixels(.pixelScores, count: 24, limit: 23)) {
            try ScoreAccumulator(.pixelScores, layout: layout, limit: 23)
        }
    }

    @Test(arguments: ElementType.Scalar.allCases.filter { !$0.isFloatingPoint })
    func refusesTypesThatAreNotFloats(scalar: ElementType.Scalar) throws {
        let layout = try TensorLayout(elementType: ElementType(scalar), shape: [4])
        #expect(throws: ScoringError.elementType(.imageScores, scalar)) {
            try ScoreAccumulator(.imageScores, layout: layout, limit: 4)
        }
    }
}
