/// Some lines of all images: what one of several readers of a file of probabilities takes.
package protocol FileBand: AnyObject, Sendable {
    associatedtype Pieces: Sequence<FilePieces.Piece>

    /// What is to be read of the file's elements, in this order.
    var pieces: Pieces { get }

    /// Takes part of a piece.
    ///
    /// - Parameters:
    ///   - offset: Where in the piece the bytes begin, like the end of them at an element.
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``.
    func receive(_ bytes: borrowing Span<UInt8>, of piece: FilePieces.Piece, at offset: Int) throws(ScoringError)
}
