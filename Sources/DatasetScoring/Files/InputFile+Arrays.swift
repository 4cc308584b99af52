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

    /// Some bytes of the file, few enough to be held; nil if there are none or they cannot be read.
    func bytes(_ range: Range<Int>) -> [UInt8]? {
        guard !range.isEmpty, let buffer = try? Buffer<UInt8>(uninitialized: range.count) else { return nil }
        var result: [UInt8] = []
        do throws(FileError) {
            try read(range, through: buffer, or: { $0 }) { (bytes, _) throws(FileError) in
                for index in 0..<bytes.count { result.append(bytes[index]) }
            }
        } catch {
            return nil
        }
        return result
    }

    /// The first bytes of the file, by which its format is known: fewer than `count` if it has no more, and none if they
    /// cannot be read. Whoever reads the file then meets the same problem, and tells of it.
    func beginning(_ count: Int) -> [UInt8] { bytes(0..<min(count, byteCount)) ?? [] }
}
