import Memory

/// A band whose probabilities are all looked at.
///
/// `@unchecked Sendable`: one thread uses a band, and no two bands write to the same pixels.
package final class PixelBand: FileBand, @unchecked Sendable {
    package let pieces: FilePieces
    private let elementType: ElementType
    private let cursor: PixelCursor

    /// - Parameters:
    ///   - rows: The rows of pixels that the pieces bring, if these hold other values than those of pixels.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ arrays: PixelArrays, pieces: FilePieces, rows: Range<Int>? = nil) throws(ScoringError) {
        self.pieces = pieces
        elementType = arrays.layout.elementType
        cursor = try PixelCursor(arrays, rows: rows, preparesImages: false)
    }

    package func receive(
        _ bytes: borrowing Span<UInt8>, of piece: FilePieces.Piece, at offset: Int
    ) throws(ScoringError) {
        let size = elementType.scalar.byteCount
        precondition(offset % size == 0 && bytes.count % size == 0 && offset + bytes.count <= piece.bytes.count)
        cursor.seek(to: piece.position + offset / size, comesAgain: piece.comesAgain)
        try Kernels.withNativeElements(bytes, of: elementType) { (native) throws(ScoringError) in
            try cursor.take(native)
        }
    }
}
