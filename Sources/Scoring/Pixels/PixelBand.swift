import Tensors

/// Some lines of all images: what one of several readers of a file of probabilities takes.
///
/// `@unchecked Sendable`: one thread uses a band, and no two bands write to the same pixels.
package final class PixelBand: @unchecked Sendable {
    /// What is to be read of the file's elements, in this order.
    package let pieces: FilePieces
    private let elementType: ElementType
    private var cursor: PixelCursor

    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ arrays: PixelArrays, pieces: FilePieces) throws(ScoringError) {
        self.pieces = pieces
        elementType = arrays.layout.elementType
        cursor = try PixelCursor(arrays)
    }

    /// Takes part of a piece.
    ///
    /// - Parameters:
    ///   - offset: Where in the piece the bytes begin, like the end of them at an element.
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:)``.
    package func receive(
        _ bytes: borrowing Span<UInt8>, of piece: FilePieces.Piece, at offset: Int
    ) throws(ScoringError) {
        let size = elementType.scalar.byteCount
        precondition(offset % size == 0 && bytes.count % size == 0 && offset + bytes.count <= piece.bytes.count)
        cursor.seek(to: piece.position + offset / size)
        try Kernels.withNativeElements(bytes, of: elementType) { (native) throws(ScoringError) in
            try cursor.take(native)
        }
    }
}
