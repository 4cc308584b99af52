package import Tensors

/// The order in which a file of probabilities that is there as a whole is read: pieces of it, as ranges of bytes.
///
/// That is the file's own order, one piece an image, but for blocks in Fortran order: there each block's pixels come
/// together, so that one block is all that waits for more.
package struct FilePieces: Sequence {
    private let layout: TensorLayout
    private let blockSide: Int

    /// - Parameters:
    ///   - layout: `(N, K, H, W)`, each at least 1.
    ///   - downsample: Divides H and W.
    package init(_ layout: TensorLayout, downsample: Int) {
        precondition(layout.shape.count == 4 && layout.elementCount > 0)
        self.layout = layout
        blockSide = downsample
    }

    /// Whether bytes can be taken as they arrive.
    package static func areInFileOrder(_ order: TensorLayout.Order, downsample: Int) -> Bool {
        order == .c || downsample == 1
    }

    package func makeIterator() -> some IteratorProtocol<Range<Int>> {
        let (images, classes, height) = (layout.shape[0], layout.shape[1], layout.shape[2])
        let size = layout.elementType.scalar.byteCount
        let side = blockSide
        let isInFileOrder = Self.areInFileOrder(layout.order, downsample: side)
        let pieceSize = isInFileOrder ? layout.byteCount / images : side * classes * images * size
        return (0..<layout.byteCount / pieceSize).lazy.map { piece in
            guard !isInFileOrder else { return piece * pieceSize..<(piece + 1) * pieceSize }
            // Columns of pixels lie one after another in the file; a piece is a column of a block.
            let (block, columnInBlock) = piece.quotientAndRemainder(dividingBy: side)
            let (blockColumn, blockRow) = block.quotientAndRemainder(dividingBy: height / side)
            let pixel = (blockColumn * side + columnInBlock) * height + blockRow * side
            let start = pixel * classes * images * size
            return start..<start + pieceSize
        }.makeIterator()
    }
}
