package import Memory

/// The order in which a whole file of probabilities is read: pieces of it that together bring some lines of all images.
/// Lines are rows in C order and columns in Fortran order.
///
/// It is the file's own order, unless there are blocks in Fortran order: then the pixels of each block come together,
/// so that only one block waits for more of them.
package struct FilePieces: Sequence {
    /// Elements that are neighbours in the file.
    package struct Piece: Equatable, Sendable {
        /// The bytes of the piece, counted from the file's first element.
        package let bytes: Range<Int>
        /// How many elements stand ahead of the first one in the order of ``ElementRuns``.
        let position: Int
        /// Whether the same elements come once more, after all others of their pixels.
        var comesAgain = false
    }

    /// The smallest piece that is worth a read of its own, in bytes.
    private static let smallestPiece = 16 << 10

    private let layout: TensorLayout
    private let side: Int
    private let lines: Range<Int>
    private let comesTwice: Bool

    /// - Parameters:
    ///   - layout: `(N, K, H, W)`, each at least 1.
    ///   - side: The extent of blocks, 1 for pixels, which divides H and W.
    ///   - lines: The lines that the pieces bring, whole blocks of them.
    ///   - comesTwice: Whether all elements of an image come twice before those of the next image. The array is in C
    ///     order then.
    init(_ layout: TensorLayout, side: Int, lines: Range<Int>, comesTwice: Bool = false) {
        precondition(layout.shape.count == 4 && layout.elementCount > 0)
        precondition(!comesTwice || layout.order == .c)
        self.comesTwice = comesTwice
        precondition(lines.lowerBound % side == 0 && lines.upperBound % side == 0)
        self.layout = layout
        self.side = side
        self.lines = lines
    }

    /// All lines, dealt out to bands of about as many each.
    ///
    /// - Parameters:
    ///   - count: How many bands are wanted; see ``shares(_:of:blockLines:)``.
    static func bands(_ count: Int, of layout: TensorLayout, side: Int, comesTwice: Bool = false) -> [FilePieces] {
        let blockLines = (layout.order == .c ? layout.shape[2] : layout.shape[3]) / side
        return shares(count, of: layout, blockLines: blockLines).map { share in
            let lines = share.lowerBound * side..<share.upperBound * side
            return FilePieces(layout, side: side, lines: lines, comesTwice: comesTwice)
        }
    }

    /// Lines of blocks, dealt out to bands of about as many each.
    ///
    /// - Parameters:
    ///   - count: How many bands are wanted. There are fewer if there are fewer lines of blocks, and one if pieces
    ///     would be so small that a read of one would cost more than its bytes.
    ///   - layout: The layout of the file that bands read, `(N, K, H, W)`.
    static func shares(_ count: Int, of layout: TensorLayout, blockLines: Int) -> [Range<Int>] {
        let planeByteCount = layout.byteCount / layout.shape[0] / layout.shape[1]
        let isWorthIt = layout.order == .fortran || planeByteCount / count >= smallestPiece
        let count = isWorthIt ? Swift.max(Swift.min(count, blockLines), 1) : 1
        return (0..<count).map { $0 * blockLines / count..<($0 + 1) * blockLines / count }
    }

    /// Whether the pieces come in the file's own order, so that bytes can be taken as they arrive.
    package static func areInFileOrder(
        _ order: TensorLayout.Order, downsample: Int, _ activation: Activation = .identity
    ) -> Bool {
        downsample == 1 || (order == .c && !activation.needsAllClasses)
    }

    package func makeIterator() -> AnyIterator<Piece> {
        let (images, classes, height, width) = (layout.shape[0], layout.shape[1], layout.shape[2], layout.shape[3])
        let lines = lines
        let looks = comesTwice ? 2 : 1
        switch layout.order {
        case .c where lines.count == height:
            let count = classes * height * width
            return pieces(images * looks) { index in
                let (image, look) = index.quotientAndRemainder(dividingBy: looks)
                return (image * count..<(image + 1) * count, image * count, comesAgain: look < looks - 1)
            }
        case .c:
            let count = lines.count * width
            return pieces(images * looks * classes) { index in
                let (image, look) = (index / classes).quotientAndRemainder(dividingBy: looks)
                let start = ((image * classes + index % classes) * height + lines.lowerBound) * width
                return (start..<start + count, start, comesAgain: look < looks - 1)
            }
        case .fortran where side == 1:
            let count = height * classes * images
            return pieces(lines.count) { line in
                let start = (lines.lowerBound + line) * count
                return (start..<start + count, start, comesAgain: false)
            }
        case .fortran:
            // In the file, pixels lie one after another in columns, so that a column of a block is a piece.
            let side = side
            let blocksPerLine = height / side
            let elementsPerPixel = images * classes
            return pieces(lines.count * blocksPerLine) { piece in
                let (block, columnInBlock) = piece.quotientAndRemainder(dividingBy: side)
                let (blockColumn, blockRow) = block.quotientAndRemainder(dividingBy: blocksPerLine)
                let column = lines.lowerBound + blockColumn * side + columnInBlock
                let start = (column * height + blockRow * side) * elementsPerPixel
                let position = (lines.lowerBound * blocksPerLine + piece) * side * elementsPerPixel
                return (start..<start + side * elementsPerPixel, position, comesAgain: false)
            }
        }
    }

    private func pieces(
        _ count: Int, _ piece: @escaping (Int) -> (elements: Range<Int>, position: Int, comesAgain: Bool)
    ) -> AnyIterator<Piece> {
        let size = layout.elementType.scalar.byteCount
        var index = 0
        return AnyIterator {
            guard index < count else { return nil }
            defer { index += 1 }
            let (elements, position, comesAgain) = piece(index)
            return Piece(
                bytes: elements.lowerBound * size..<elements.upperBound * size, position: position,
                comesAgain: comesAgain)
        }
    }
}
