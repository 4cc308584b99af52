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
    let layout: TensorLayout
    /// The offset of the array's first element in the file, in bytes.
    private let offset: Int
    /// How many threads read.
    private let processors: Int

    var accumulator: (any ArrayAccumulator)? { nil }
    var imagesDone: Int { 0 }

    /// Reads the header of the file.
    ///
    /// - Throws: A problem with the file.
    init(_ file: InputFile, processors: Int) throws(Problem) {
        self.file = file
        self.processors = processors
        (layout, offset) = try Self.readHeader(file)
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        guard let own = try demand.ownProbabilities(in: layout) else {
            return try allPixels(for: demand, progress: progress)
        }
        // Progress counts whole images, because classes are read back and forth within an image.
        let byteCount = layout.byteCount / own.shape.imageCount
        let isComplete = try read(try Self.bands { () throws(ScoringError) in try own.bands(processors) }) { piece in
            progress(Double(piece.bytes.lowerBound / byteCount) / Double(own.shape.imageCount))
        }
        return isComplete ? own.finish() : nil
    }

    /// The pixels, for a demand that needs every probability.
    private func allPixels(
        for demand: ProbabilityDemand, progress: (Double) -> Bool
    ) throws(Problem) -> ScoredPixels? {
        let accumulator = try demand.pixelAccumulator(for: layout)
        let bands = try Self.bands { () throws(ScoringError) in try accumulator.bands(processors) }
        var done = 0
        let isComplete = try read(bands) { piece in
            done += piece.bytes.count
            return progress(min(Double(done * bands.count) / Double(layout.byteCount), 1))
        }
        return isComplete ? accumulator.finish() : nil
    }

    private static func bands<Band>(_ make: () throws(ScoringError) -> [Band]) throws(Problem) -> [Band] {
        do throws(ScoringError) {
            return try make()
        } catch {
            throw Problem(error)
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
        let reader = BandReader(file: file, offset: offset)
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

    private static func readHeader(_ file: InputFile) throws(Problem) -> (TensorLayout, offset: Int) {
        var header = NpyHeaderReader()
        let longest = min(file.byteCount, 2 * NpyHeaderReader.textLimit)
        do throws(Problem) {
            try file.read(0..<longest, of: .predictedProbabilities) { (bytes) throws(Problem) in
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
            throw error.found(in: .predictedProbabilities)
        }
    }
}
