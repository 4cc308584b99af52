import Files
import Memory
import Scoring
import WebService

extension InputFile {
    /// How many bytes are read at once: so many that the cost of the call does not matter, and so few that they stay in
    /// the cache until they are looked at. The number is a multiple of the size of every element type.
    static let bytesAtOnce = 512 << 10

    /// Reads a range of the bytes of a file that holds an array, piece by piece.
    ///
    /// - Throws: What `body` throws; a 422 problem if the file has become shorter; 503 if memory is short.
    func read(
        _ range: Range<Int>, of array: ScoringError.Array,
        _ body: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        let buffer: Buffer<UInt8>
        do throws(MemoryError) {
            buffer = try Buffer(uninitialized: min(Self.bytesAtOnce, max(range.count, 1)))
        } catch {
            throw Problem(error)
        }
        try read(range, through: buffer, or: { Problem($0).found(in: array) }) { (bytes, _) throws(Problem) in
            try body(bytes)
        }
    }
}
