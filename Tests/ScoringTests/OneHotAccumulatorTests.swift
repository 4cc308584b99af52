import Memory
import Testing

@testable import Scoring

@Suite struct OneHotAccumulatorTests {
    /// The classes that an accumulator makes of one-hot elements, which come in pieces.
    private func classes(
        _ elements: [UInt8], _ shape: [Int], order: TensorLayout.Order = .c, by size: Int = .max
    ) throws(ScoringError) -> [Int] {
        guard let layout = try? TensorLayout(elementType: ElementType(.uint8), shape: shape, order: order) else {
            preconditionFailure("the shapes of tests fit")
        }
        let accumulator = try OneHotAccumulator(layout: layout, pixelLimit: 1 << 20)
        var start = 0
        while start < elements.count {
            let end = min(start + min(size, elements.count), elements.count)
            let piece = Array(elements[start..<end])
            try accumulator.receive(piece.span)
            start = end
        }
        let map = try accumulator.finish()
        #expect(map.shape.dimensions == [shape[0], shape[2], shape[3]])
        return (0..<map.codes.count).map { map.codes[$0] }
    }

    /// One-hot elements `(N, K, H·W)` of classes `(N, H·W)`.
    private func oneHot(_ classes: [Int], images: Int, classCount: Int) -> [UInt8] {
        let plane = classes.count / images
        return (0..<images).flatMap { image in
            (0..<classCount).flatMap { index in
                (0..<plane).map { classes[image * plane + $0] == index ? 1 : 0 }
            }
        }
    }

    @Test(arguments: [2, 255, 256, 300], [1, 7, Int.max])
    func keepsTheClassOfEachPixel(classCount: Int, size: Int) throws {
        let expected = (0..<24).map { $0 * 7 % classCount }
        let elements = oneHot(expected, images: 2, classCount: classCount)
        #expect(try classes(elements, [2, classCount, 3, 4], by: size) == expected)
    }

    @Test func takesFortranOrder() throws {
        let expected = (0..<12).map { $0 * 5 % 3 }
        let elements = oneHot(expected, images: 2, classCount: 3)
        var turned = [UInt8](repeating: 0, count: elements.count)
        for image in 0..<2 {
            for index in 0..<3 {
                for row in 0..<2 {
                    for column in 0..<3 {
                        turned[image + 2 * (index + 3 * (row + 2 * column))] =
                            elements[((image * 3 + index) * 2 + row) * 3 + column]
                    }
                }
            }
        }
        #expect(try classes(turned, [2, 3, 2, 3], order: .fortran) == expected)
    }

    @Test func refusesPixelsOfNoClassOfSeveralAndOtherValues() {
        let place = ScoringError.Position(image: 0, row: 0, column: 1)
        let wrong: [([UInt8], ScoringError.OneHotFault)] = [
            ([1, 0, 0, 0], .none), ([1, 1, 0, 1], .several), ([1, 2, 0, 0], .value(.integer(2))),
        ]
        for (elements, fault) in wrong {
            #expect(throws: ScoringError.oneHot(fault, at: place)) { _ = try classes(elements, [1, 2, 1, 2]) }
        }
    }

    @Test func refusesShapesThatAreNotOneHot() throws {
        #expect(throws: ScoringError.dimensions(.labels, shape: [2])) { _ = try classes([], [2]) }
        #expect(throws: ScoringError.singleClass(labels: [1, 1, 1, 1], axis: 1)) {
            _ = try classes([1], [1, 1, 1, 1])
        }
        #expect(throws: ScoringError.emptyArray(.labels, shape: [0, 1, 1, 1])) { _ = try classes([], [0, 1, 1, 1]) }
        #expect(throws: ScoringError.tooManyPixels(.labels, count: 1 << 21, limit: 1 << 20)) {
            _ = try classes([], [1, 2, 1 << 11, 1 << 10])
        }
        #expect(throws: ScoringError.tooManyClasses(65_536, limit: 65_535)) { _ = try classes([], [1, 65_536, 1, 1]) }
    }
}
