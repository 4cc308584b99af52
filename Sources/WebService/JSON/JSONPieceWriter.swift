import Memory
import Synchronization

/// Writes a text piece by piece, and holds the memory that this takes out of the budget.
final class JSONPieceWriter: Sendable {
    private let pieces: Mutex<JSONPieces>
    private let reservation: ByteReservation

    init(_ pieces: JSONPieces, _ reservation: ByteReservation) {
        self.pieces = Mutex(pieces)
        self.reservation = reservation
    }

    /// The next piece; nil at the end of the text.
    func next() -> [UInt8]? {
        pieces.withLock { $0.next() }
    }
}
