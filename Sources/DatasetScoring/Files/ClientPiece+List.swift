import Files
import Scoring
import WebService

extension ClientPiece {
    /// Reads where the pieces of a file lie that a client has: `ADDRESS+BYTES`, or `DESCRIPTOR@OFFSET+BYTES` for a piece of a
    /// file that it has open, with blanks between pieces.
    ///
    /// - Throws: A 400 problem for another text, and for pieces of 2^62 bytes or more.
    static func list(_ text: String, of array: ScoringError.Array) throws(Problem) -> [ClientPiece] {
        var (pieces, byteCount) = ([ClientPiece](), 0)
        for word in text.split(separator: " ") {
            guard let piece = ClientPiece(word), piece.byteCount < 1 << 62 - byteCount else {
                throw .invalidParameter(
                    array.rawValue,
                    expected: "pieces ADDRESS+BYTES or DESCRIPTOR@OFFSET+BYTES with blanks between them",
                    actual: String(word))
            }
            byteCount += piece.byteCount
            pieces.append(piece)
        }
        return pieces
    }

    private init?(_ word: Substring) {
        let halves = word.split(separator: "+", omittingEmptySubsequences: false)
        guard halves.count == 2, let byteCount = Self.number(halves[1]) else { return nil }
        let parts = halves[0].split(separator: "@", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard let address = Self.number(parts[0]) else { return nil }
            self.init(.memory(address: address), byteCount: byteCount)
        case 2:
            guard let number = Self.number(parts[0]).flatMap(Int32.init(exactly:)), let offset = Self.number(parts[1])
            else { return nil }
            self.init(.file(number, offset: offset), byteCount: byteCount)
        default: return nil
        }
    }

    /// A number of decimal digits below 2^62, so that the sum of two of them is a number too.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text),
            number < 1 << 62
        else { return nil }
        return number
    }
}
