import Memory
import Testing

@testable import Scoring

@Suite struct FilePiecesTests {
    @Test(
        arguments: [([2, 3, 4, 6], 2), ([1, 2, 6, 3], 3), ([3, 1, 4, 4], 4), ([2, 2, 6, 4], 1)] as [([Int], Int)],
        orders)
    func bringEachElementToItsPixelOnce(shapeAndSide: ([Int], Int), order: TensorLayout.Order) throws {
        let (shape, side) = shapeAndSide
        let layout = try TensorLayout(elementType: ElementType(.float64), shape: shape, order: order)
        let places = fileOrder(shape: shape, order: order)
        let lineCount = order == .c ? shape[2] : shape[3]
        for cut in stride(from: 0, through: lineCount, by: side) {
            var seen: Set<Int> = []
            for lines in [0..<cut, cut..<lineCount] {
                var runs = ElementRuns(
                    imageCount: shape[0], classCount: shape[1], height: shape[2], width: shape[3], order: order,
                    blockSide: side)
                for piece in FilePieces(layout, side: side, lines: lines) where !lines.isEmpty {
                    runs.position = piece.position
                    var element = piece.bytes.lowerBound / 8
                    while element < piece.bytes.upperBound / 8 {
                        let run = runs.next(limit: piece.bytes.upperBound / 8 - element)
                        for index in 0..<run.count {
                            let pixel = run.firstPixel + index * run.stride
                            let (image, rest) = pixel.quotientAndRemainder(dividingBy: shape[2] * shape[3])
                            let line = order == .c ? rest / shape[3] : rest % shape[3]
                            let place = (image * shape[1] + run.classIndex) * shape[2] * shape[3] + rest
                            #expect(places[element + index] == place)
                            #expect(lines.contains(line))
                            #expect(seen.insert(place).inserted)
                        }
                        element += run.count
                    }
                }
            }
            #expect(seen.count == layout.elementCount)
        }
    }

    @Test func areBlockByBlockInFortranOrder() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [1, 1, 4, 4], order: .fortran)
        // Columns of the file are columns of the image: two pixels of a block, then the two beside them.
        let pieces = Array(FilePieces(layout, side: 2, lines: 0..<4))
        #expect(pieces.map(\.bytes).prefix(3) == [0..<8, 16..<24, 8..<16])
    }

    @Test func areWholeImagesInCOrder() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [2, 3, 4, 4])
        #expect(Array(FilePieces(layout, side: 2, lines: 0..<4)).map(\.bytes) == [0..<192, 192..<384])
    }

    @Test func comeTwiceImageByImage() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [2, 2, 4, 4])
        let whole = Array(FilePieces(layout, side: 2, lines: 0..<4, comesTwice: true))
        #expect(whole.map(\.bytes) == [0..<128, 0..<128, 128..<256, 128..<256])
        #expect(whole.map(\.comesAgain) == [true, false, true, false])
        let half = Array(FilePieces(layout, side: 2, lines: 2..<4, comesTwice: true))
        let image = [32..<64, 96..<128]
        #expect(half.map(\.bytes) == image + image + [160..<192, 224..<256] + [160..<192, 224..<256])
        #expect(half.map(\.comesAgain) == [true, true, false, false, true, true, false, false])
        #expect(half.map(\.position) == half.map { $0.bytes.lowerBound / 4 })
    }

    @Test func areDealtOutInWholeBlocks() throws {
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: [1, 2, 512, 512])
        #expect(
            FilePieces.bands(3, of: layout, side: 64).map { $0.map(\.bytes.count) } == [
                [262144, 262144], [393216, 393216], [393216, 393216],
            ])
        // Too small to be worth it, and fewer lines of blocks than readers.
        let small = try TensorLayout(elementType: ElementType(.float32), shape: [9, 2, 8, 8])
        #expect(FilePieces.bands(2, of: small, side: 1).count == 1)
        #expect(FilePieces.bands(2, of: layout, side: 512).count == 1)
    }

    @Test func areInFileOrderButForBlocksInFortranOrder() {
        #expect(FilePieces.areInFileOrder(.c, downsample: 4))
        #expect(FilePieces.areInFileOrder(.fortran, downsample: 1))
        #expect(!FilePieces.areInFileOrder(.fortran, downsample: 2))
        #expect(FilePieces.areInFileOrder(.fortran, downsample: 1, Activation(.softmax)))
        #expect(FilePieces.areInFileOrder(.c, downsample: 2, Activation(.sigmoid)))
        #expect(!FilePieces.areInFileOrder(.c, downsample: 2, Activation(.softmax)))
    }
}
