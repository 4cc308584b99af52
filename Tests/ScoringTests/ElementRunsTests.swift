import Memory
import Testing

@testable import Scoring

@Suite struct ElementRunsTests {
    static let shapes = [
        [1, 1, 1, 1], [1, 1, 1, 5], [1, 1, 5, 1], [5, 1, 1, 1], [1, 5, 1, 1], [2, 3, 4, 5], [3, 2, 5, 4], [2, 1, 3, 7],
        [4, 7, 1, 3], [1, 3, 3, 2],
    ]

    /// Where each element of `(N, K, H, W)` belongs, by plain index arithmetic: its class and its pixel.
    private func places(_ shape: [Int], _ order: TensorLayout.Order) -> [[Int]] {
        let (count, classes, height, width) = (shape[0], shape[1], shape[2], shape[3])
        var result: [[Int]] = []
        switch order {
        case .c:
            for n in 0..<count {
                for k in 0..<classes {
                    for y in 0..<height {
                        for x in 0..<width { result.append([k, (n * height + y) * width + x]) }
                    }
                }
            }
        case .fortran:
            for x in 0..<width {
                for y in 0..<height {
                    for k in 0..<classes {
                        for n in 0..<count { result.append([k, (n * height + y) * width + x]) }
                    }
                }
            }
        }
        return result
    }

    @Test(arguments: shapes, orders)
    func agreesWithIndexArithmeticAtAnyLimit(shape: [Int], order: TensorLayout.Order) {
        let expected = places(shape, order)
        for limit in [1, 2, 3, 7, 16, 1000] {
            var runs = ElementRuns(
                imageCount: shape[0], classCount: shape[1], height: shape[2], width: shape[3], order: order)
            var found: [[Int]] = []
            while found.count < expected.count {
                let run = runs.next(limit: min(limit, expected.count - found.count))
                #expect(run.count >= 1 && run.count <= limit)
                for index in 0..<run.count { found.append([run.classIndex, run.firstPixel + index * run.stride]) }
            }
            #expect(found == expected)
        }
    }

    @Test(
        arguments: [
            [2, 3, 4, 5, 6], [1, 2, 3, 1, 4], [3, 1, 2, 3, 2], [2, 2, 2, 3, 2, 3], [2, 3, 5], [3, 2, 4, 3],
        ],
        orders)
    func findsThePixelsOfSpacesOfAnyDimensions(shape: [Int], order: TensorLayout.Order) {
        let space = LabelShape(imageCount: shape[0], space: Array(shape[2...]))
        var runs = ElementRuns(
            imageCount: shape[0], classCount: shape[1], height: space.height, width: space.width, order: order,
            rows: space.rows)
        let plane = space.pixelsPerImage
        let expected = fileOrder(shape: shape, order: order).map { index in
            let (image, rest) = index.quotientAndRemainder(dividingBy: shape[1] * plane)
            return [rest / plane, image * plane + rest % plane]
        }
        var found: [[Int]] = []
        while found.count < expected.count {
            let run = runs.next(limit: min(5, expected.count - found.count))
            for index in 0..<run.count { found.append([run.classIndex, run.firstPixel + index * run.stride]) }
        }
        #expect(found == expected)
    }

    @Test func takesAWholePlaneInCOrderAndOneElementOfEachImageInFortranOrder() {
        var planes = ElementRuns(imageCount: 2, classCount: 3, height: 4, width: 5, order: .c)
        #expect(planes.next(limit: 1000).count == 20)
        var columns = ElementRuns(imageCount: 6, classCount: 3, height: 4, width: 5, order: .fortran)
        #expect(columns.next(limit: 1000).count == 6)
    }

    @Test func goesOnWithARunThatALimitCutShort() {
        var runs = ElementRuns(imageCount: 1, classCount: 2, height: 2, width: 3, order: .c)
        #expect(runs.next(limit: 4).firstPixel == 0)
        let rest = runs.next(limit: 100)
        #expect((rest.classIndex, rest.firstPixel, rest.count) == (0, 4, 2))
        #expect(runs.next(limit: 100).classIndex == 1)
    }
}
