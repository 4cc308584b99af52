import Memory
import Testing

@Suite struct TensorLayoutTests {
    @Test(arguments: [([], 1), ([1], 1), ([7], 7), ([2, 3, 4], 24), ([2, 3, 4, 5], 120)] as [([Int], Int)])
    func countsElementsAndBytes(shape: [Int], count: Int) throws {
        for scalar in ElementType.Scalar.allCases {
            let layout = try TensorLayout(elementType: ElementType(scalar), shape: shape)
            #expect(layout.elementCount == count)
            #expect(layout.byteCount == count * scalar.byteCount)
            #expect(layout.shape == shape)
            #expect(layout.order == .c)
        }
    }

    @Test(arguments: [[0], [0, 3], [3, 0, 2], [0, 0], [0, Int.max]]) func takesExtentsOfZero(shape: [Int]) throws {
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: shape)
        #expect(layout.elementCount == 0)
        #expect(layout.byteCount == 0)
    }

    @Test(arguments: [[-1], [2, -3], [-1, -1], [0, -1], [Int.min, 0], [Int.min, Int.min]])
    func refusesNegativeExtents(shape: [Int]) {
        #expect(throws: MemoryError.negativeExtent(shape: shape)) {
            try TensorLayout(elementType: ElementType(.uint8), shape: shape)
        }
    }

    @Test(arguments: [
        [Int.max, 2], [2, Int.max], [1 << 32, 1 << 31], [1 << 21, 1 << 21, 1 << 21], [0, Int.max, 2], [Int.max, 0, 2],
    ])
    func refusesAProductThatDoesNotFit(shape: [Int]) {
        #expect(throws: MemoryError.tooLarge(shape: shape)) {
            try TensorLayout(elementType: ElementType(.uint8), shape: shape)
        }
    }

    @Test func refusesASizeInBytesThatDoesNotFit() throws {
        let shape = [1 << 60]
        #expect(try TensorLayout(elementType: ElementType(.float32), shape: shape).byteCount == 1 << 62)
        #expect(throws: MemoryError.tooLarge(shape: shape)) {
            try TensorLayout(elementType: ElementType(.float64), shape: shape)
        }
        #expect(try TensorLayout(elementType: ElementType(.uint8), shape: [Int.max]).byteCount == .max)
        #expect(throws: MemoryError.tooLarge(shape: [Int.max])) {
            try TensorLayout(elementType: ElementType(.uint16), shape: [Int.max])
        }
    }
}
