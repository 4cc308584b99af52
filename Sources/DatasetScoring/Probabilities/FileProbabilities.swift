import Codecs
import Files
import Memory
import Scoring
import Synchronization
import Threads
import WebService

/// `pred_probs`, `(N, K, H, W)`, in an npy file that several threads read at once.
///
/// Only the probabilities that labels name are read, if the scores need no others.
final class FileProbabilities: ProbabilitySource {
    private let file: InputFile
    let predictions: Predictions
    /// The offset of the array's first element in the file, in bytes.
    private let offset: Int
    /// How many threads read.
    private let processors: Int

    var accumulator: (any ArrayAccumulator)? { nil }
    var imagesDone: Int { 0 }

    /// Reads the header of the file.
    ///
    /// - Parameters:
    ///   - array: The array that the file holds.
    ///   - processors: How many threads read.
    /// - Throws: A problem with the file.
    init(_ array: ScoringError.Array, in file: InputFile, processors: Int) throws(Problem) {
        self.file = file
        self.processors = processors
        let (layout, offset) = try Self.readHeader(file, of: array)
        predictions = Predictions(array: array, layout: layout)
        self.offset = offset
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        guard let own = try demand.ownProbabilities(in: predictions) else {
            return try allPixels(for: demand, progress: progress)
        }
        // Progress counts whole images, because classes are read back and forth within an image.
        let byteCount = predictions.layout.byteCount / own.shape.imageCount
        let isComplete = try read(try makeBands { () throws(ScoringError) in try own.bands(processors) }) { piece in
            progress(Double(piece.bytes.lowerBound / byteCount) / Double(own.shape.imageCount))
        }
        return isComplete ? own.finish() : nil
    }

    /// The pixels, for a demand that needs every probability.
    private func allPixels(
        for demand: ProbabilityDemand, progress: (Double) -> Bool
    ) throws(Problem) -> ScoredPixels? {
        let accumulator = try demand.pixelAccumulator(for: predictions)
        let bands = try makeBands { () throws(ScoringError) in try accumulator.bands(processors) }
        var done = 0
        let isComplete = try read(bands) { piece in
            done += piece.bytes.count
            return progress(min(Double(done * bands.count) / Double(accumulator.byteCountOfBands), 1))
        }
        return isComplete ? accumulator.finish() : nil
    }

    private func makeBands<Band>(_ make: () throws(ScoringError) -> [Band]) throws(Problem) -> [Band] {
        do throws(ScoringError) {
            return try make()
        } catch {
            throw predictions.problem(error)
        }
    }

    /// Reads bands, each on a thread of its own.
    ///
    /// - Parameters:
    ///   - progress: Is called with each piece that the first band has read, which stands for the progress of all
    ///     bands; `false` ends the reading of all.
    /// - Returns: Whether all bytes were read.
    /// - Throws: The problem of a band; if several bands have one, that of the first of these bands.
    private func read<Band: FileBand>(
        _ bands: [Band], progress: (FilePieces.Piece) -> Bool
    ) throws(Problem) -> Bool {
        let reader = BandReader(predictions, in: file, at: offset)
        let problems = Mutex<[Int: Problem]>([:])
        let isWanted = Atomic(true)
        Lanes.perform(bands.count) {
            do throws(Problem) {
                _ = try reader.read(into: bands[0]) { piece in
                    let goesOn = progress(piece)
                    if !goesOn { isWanted.store(false, ordering: .relaxed) }
                    return goesOn
                }
            } catch {
                problems.withLock { $0[0] = error }
            }
        } others: { lane in
            do throws(Problem) {
                _ = try reader.read(into: bands[lane]) { _ in isWanted.load(ordering: .relaxed) }
            } catch {
                problems.withLock { $0[lane] = error }
            }
        }
        if let problem = problems.withLock({ $0.min { $0.key < $1.key }?.value }) { throw problem }
        return isWanted.load(ordering: .relaxed)
    }

    private static func readHeader(
        _ file: InputFile, of array: ScoringError.Array
    ) throws(Problem) -> (TensorLayout, offset: Int) {
        var header = NpyHeaderReader()
        let longest = min(file.byteCount, 2 * NpyHeaderReader.textLimit)
        do throws(Problem) {
            try file.read(0..<longest, of: array) { (bytes) throws(Problem) in
                do throws(CodecError) {
                    _ = try header.read(bytes)
                } catch {
                    throw Problem(error)
                }
            }
            do throws(CodecError) {
                try header.finish()
                guard let layout = header.layout else { preconditionFailure("a finished header has a layout") }
                let rest = file.byteCount - header.byteCount
                guard rest >= layout.byteCount else { throw .truncated(expected: layout.byteCount, actual: rest) }
                return (layout, header.byteCount)
            } catch {
                throw Problem(error)
            }
        } catch {
            throw error.found(in: array)
        }
    }
}
