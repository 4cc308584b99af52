import Files
import Memory
import Scoring
import WebService

/// Reads the probabilities of a band of pixels from a file.
struct BandReader {
    private let predictions: Predictions
    private let file: InputFile
    private let offset: Int

    /// - Parameters:
    ///   - predictions: The array that the file holds.
    ///   - offset: The offset of the array's first element in the file, in bytes.
    init(_ predictions: Predictions, in file: InputFile, at offset: Int) {
        self.predictions = predictions
        self.file = file
        self.offset = offset
    }

    /// Reads all bytes that the band wants.
    ///
    /// - Parameters:
    ///   - band: The band, which takes the bytes.
    ///   - progress: Is called with each piece that has been read; `false` ends the reading.
    /// - Returns: Whether all bytes were read.
    /// - Throws: A 422 problem for a value that is no probability; 500 if the file cannot be read; 503 if memory is
    ///   short.
    func read(into band: some FileBand, progress: (FilePieces.Piece) -> Bool) throws(Problem) -> Bool {
        let buffer: Buffer<UInt8>
        do throws(MemoryError) {
            buffer = try Buffer(uninitialized: InputFile.bytesAtOnce)
        } catch {
            throw Problem(error)
        }
        for piece in band.pieces {
            let start = offset + piece.bytes.lowerBound
            try file.read(
                start..<start + piece.bytes.count, through: buffer,
                or: { Problem($0).found(in: predictions.array) }
            ) {
                (bytes, position) throws(Problem) in
                do throws(ScoringError) {
                    try band.receive(bytes, of: piece, at: position - start)
                } catch {
                    throw predictions.problem(error)
                }
            }
            guard progress(piece) else { return false }
        }
        return true
    }
}
