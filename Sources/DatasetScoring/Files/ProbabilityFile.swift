import Scoring
import Synchronization
import TensorCodecs
import Tensors
import Threads
import WebService

/// `pred_probs` in an npy file, which several threads read at once.
struct ProbabilityFile {
    private let file: InputFile
    let layout: TensorLayout
    /// Where in the file the elements begin.
    private let offset: Int

    /// Reads the header.
    ///
    /// - Throws: What is wrong with the file.
    init(_ file: InputFile) throws(Problem) {
        self.file = file
        (layout, offset) = try Self.readHeader(file)
    }

    /// Takes only the probabilities that labels name, where that is enough, else all.
    ///
    /// - Parameters:
    ///   - arrays: Has the labels.
    ///   - processors: How many threads read.
    ///   - progress: Called with the share that is done; `false` ends the reading.
    /// - Returns: Nil where `progress` ended it.
    /// - Throws: What is wrong with an array, or with both together.
    func read(
        with arrays: ScoreArrays, processors: Int, progress: (Double) -> Bool
    ) throws(Problem) -> ScoredPixels? {
        guard let own = try arrays.makeOwnProbabilities(layout) else {
            return try readAll(with: arrays, processors: processors, progress: progress)
        }
        // The images behind it; within one, classes are read back and forth.
        let byteCount = layout.byteCount / own.shape.imageCount
        let isComplete = try read(try Self.bands { () throws(ScoringError) in try own.bands(processors) }) { piece in
            progress(Double(piece.bytes.lowerBound / byteCount) / Double(own.shape.imageCount))
        }
        return isComplete ? own.finish() : nil
    }

    private func readAll(
        with arrays: ScoreArrays, processors: Int, progress: (Double) -> Bool
    ) throws(Problem) -> ScoredPixels? {
        let accumulator = try arrays.makePixelAccumulator(layout)
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

    /// Reads bands, on a thread each.
    ///
    /// - Parameters:
    ///   - progress: Called with what the first band has read, which stands for all of them; `false` ends all.
    /// - Returns: Whether all was read.
    /// - Throws: The problem of the first band that has one.
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
