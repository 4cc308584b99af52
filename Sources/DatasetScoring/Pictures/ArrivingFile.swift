import Memory
import WebService

/// A file of a size that is not known while it arrives.
final class ArrivingFile {
    /// The first bytes, of which there are fewer while no more have come.
    private(set) var beginning: [UInt8] = []
    private(set) var byteCount = 0
    /// The pieces, each full but for the last.
    private var pieces: [Buffer<UInt8>] = []
    private var filled = 0

    /// The sizes of the first piece and of the largest, in bytes. Each piece is as large as all before it together, up to
    /// the largest, so that a file has few pieces and wastes no more than it has.
    private static let (smallest, largest) = (4 << 10, 4 << 20)

    /// What the file is, as far as its first bytes tell.
    var kind: PictureKind? {
        let bytes = beginning
        return PictureKind(bytes.span)
    }

    /// Takes the next bytes.
    ///
    /// - Throws: A 503 problem if memory is short.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        for index in 0..<min(PictureKind.signatureByteCount - beginning.count, bytes.count) {
            beginning.append(bytes[index])
        }
        var position = 0
        while position < bytes.count {
            if filled == pieces.last?.count ?? 0 {
                let size = min(max(byteCount, Self.smallest), Self.largest)
                pieces.append(
                    try Problem.allocating { () throws(MemoryError) in try Buffer(uninitialized: size) })
                filled = 0
            }
            let piece = pieces[pieces.count - 1]
            let count = min(piece.count - filled, bytes.count - position)
            piece.fill(from: filled, bytes.extracting(position..<position + count))
            filled += count
            position += count
            byteCount += count
        }
    }

    /// All bytes, behind one another. The pieces are gone then.
    ///
    /// - Throws: A 503 problem if memory is short.
    func joined() throws(Problem) -> Buffer<UInt8> {
        let whole = try Problem.allocating { () throws(MemoryError) in
            try Buffer<UInt8>(uninitialized: byteCount)
        }
        var position = 0
        for piece in pieces {
            let count = min(piece.count, byteCount - position)
            whole.fill(from: position, piece.span.extracting(0..<count))
            position += count
        }
        pieces = []
        return whole
    }
}

extension Buffer<UInt8> {
    /// Copies bytes to a place. Only the owner that fills the buffer may call it.
    func fill(from position: Int, _ bytes: borrowing Span<UInt8>) {
        withMutableSpan { target in
            for index in 0..<bytes.count { target[position + index] = bytes[index] }
        }
    }
}
