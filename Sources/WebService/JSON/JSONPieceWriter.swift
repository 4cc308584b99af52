import Synchronization
import Tensors

/// Writes a text piece by piece, and holds what that takes.
final class JSONPieceWriter: Sendable {
    private let pieces: Mutex<JSONPieces>
    private let reservation: ByteReservation

    init(_ pieces: JSONPieces, _ reservation: ByteReservation) {
        self.pieces = Mutex(pieces)
        self.reservation = reservation
    }

    /// The next piece; nil at the end.
    func next() -> [UInt8]? {
        pieces.withLock { $0.next() }
    }
}
