/// Some lines of all images, which one of several readers of a file of probabilities takes.
package protocol FileBand: AnyObject, Sendable {
    associatedtype Pieces: Sequence<FilePieces.Piece>

    /// The pieces of the file that are to be read, in this order.
    var pieces: Pieces { get }

    /// Takes part of a piece.
    ///
    /// - Parameters:
    ///   - offset: The place in the piece that the bytes begin at. They begin and end at the bounds of elements.
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``.
    func receive(_ bytes: borrowing Span<UInt8>, of piece: FilePieces.Piece, at offset: Int) throws(ScoringError)
}
