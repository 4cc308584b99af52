import Memory

/// A band of which little more is read than the probabilities that pixels give to their own label, which are all that
/// ``Softmin`` needs. Some rows of an image at a time, each class that is a label there is read from its first pixel to
/// its last, without long gaps between.
///
/// Values that are not read are not proved to be probabilities.
///
/// `@unchecked Sendable`: one thread uses a band, and no two bands write to the same pixels.
package final class OwnBand: FileBand, @unchecked Sendable {
    /// The shortest gap that is not read, in bytes: one more call costs as much as reading so many bytes in vain.
    private static let gap = 16 << 10

    /// How many pixels are read at a time: few enough for their scores and labels to stay in the cache while one class
    /// after the other is read.
    private static let pixelsAtOnce = 128 << 10

    private let layout: TensorLayout
    private let own: OwnProbabilities
    private let rows: Range<Int>
    /// `(K,)`, zeros: working memory of ``Kernels/classExtents(_:_:ignored:gap:places:)``.
    private let places: Buffer<UInt32>

    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ own: OwnProbabilities, rows: Range<Int>) throws(ScoringError) {
        self.own = own
        self.rows = rows
        layout = own.layout
        places = try allocate(own.shape.classCount)
    }

    package var pieces: some Sequence<FilePieces.Piece> {
        let (rows, height) = (rows, own.shape.height)
        let rowsAtOnce = max(Self.pixelsAtOnce / own.shape.width, 1)
        return (0..<own.shape.imageCount).lazy.flatMap { image in
            stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtOnce).lazy.flatMap { row in
                self.pieces(image * height + row..<image * height + min(row + rowsAtOnce, rows.upperBound))
            }
        }
    }

    /// The pieces that bring some rows.
    ///
    /// - Parameters:
    ///   - rows: Rows of one image, counted over all images.
    private func pieces(_ rows: Range<Int>) -> [FilePieces.Piece] {
        let (shape, size) = (own.shape, layout.elementType.scalar.byteCount)
        let pixels = rows.lowerBound * shape.width..<rows.upperBound * shape.width
        let image = rows.lowerBound / shape.height
        return Kernels.classExtents(
            own.labels.codes, pixels, ignored: own.ignored, gap: Self.gap / size, places: places
        ).map { extent in
            let plane = image * shape.classCount + extent.classIndex
            let first = plane * shape.pixelsPerImage + extent.pixels.lowerBound - image * shape.pixelsPerImage
            return FilePieces.Piece(
                bytes: first * size..<(first + extent.pixels.count) * size, position: first)
        }
    }

    package func receive(
        _ bytes: borrowing Span<UInt8>, of piece: FilePieces.Piece, at offset: Int
    ) throws(ScoringError) {
        let size = layout.elementType.scalar.byteCount
        precondition(offset % size == 0 && bytes.count % size == 0 && offset + bytes.count <= piece.bytes.count)
        var runs = own.runs
        runs.position = piece.position + offset / size
        try Kernels.withNativeElements(bytes, of: layout.elementType) { (native) throws(ScoringError) in
            let run = runs.next(limit: native.count)
            // A piece lies in a plane.
            precondition(run.count == native.count)
            let (outside, clamped) = Kernels.takeOwn(
                native, from: 0, run, labels: own.labels.codes, scores: own.scores)
            own.clamped.add(clamped)
            guard let outside else { return }
            throw .probabilityOutOfRange(
                native.doubleValue(at: outside), at: own.shape.position(of: run.firstPixel + outside),
                classIndex: run.classIndex, native.lookalike(from: outside))
        }
    }
}
