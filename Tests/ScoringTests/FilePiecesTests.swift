import Tensors
import Testing

@testable import Scoring

@Suite struct FilePiecesTests {
    @Test(
        arguments: [([2, 3, 4, 6], 2), ([1, 2, 6, 3], 3), ([3, 1, 4, 4], 4), ([2, 2, 2, 4], 1)] as [([Int], Int)],
        orders)
    func bringEachElementToItsPixel(shapeAndSide: ([Int], Int), order: TensorLayout.Order) throws {
        let (shape, side) = shapeAndSide
        let layout = try TensorLayout(elementType: ElementType(.float64), shape: shape, order: order)
        let places = fileOrder(shape: shape, order: order)
        var runs = ElementRuns(
            imageCount: shape[0], classCount: shape[1], height: shape[2], width: shape[3], order: order,
            blockSide: order == .fortran ? side : 1)
        var seen: Set<Int> = []
        for piece in FilePieces(layout, downsample: side) {
            var element = piece.lowerBound / 8
            while element < piece.upperBound / 8 {
                let run = runs.next(limit: piece.upperBound / 8 - element)
                for index in 0..<run.count {
                    let (image, pixel) = (run.firstPixel + index * run.stride).quotientAndRemainder(
                        dividingBy: shape[2] * shape[3])
                    let place = (image * shape[1] + run.classIndex) * shape[2] * shape[3] + pixel
                    #expect(places[element + index] == place)
                    #expect(seen.insert(place).inserted)
                }
                element += run.count
            }
        }
        #expect(seen.count == layout.elementCount)
    }

    @Test func areBlockByBlockInFortranOrder() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [1, 1, 4, 4], order: .fortran)
        // Columns of the file are columns of the image: two pixels of a block, then the two beside them.
        #expect(Array(FilePieces(layout, downsample: 2)).prefix(3) == [0..<8, 16..<24, 8..<16])
    }

    @Test func areInFileOrderButForBlocksInFortranOrder() {
        #expect(FilePieces.areInFileOrder(.c, downsample: 4))
        #expect(FilePieces.areInFileOrder(.fortran, downsample: 1))
        #expect(!FilePieces.areInFileOrder(.fortran, downsample: 2))
    }
}
