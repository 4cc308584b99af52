import Files
import Memory
import Scoring
import Synchronization
import Threads
import WebService

/// `pred_probs`, `(N, K, H, W)`, in a file that several threads read at once.
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

    /// - Parameters:
    ///   - array: The array that the file holds.
    ///   - place: The place of the array in the file.
    ///   - processors: How many threads read.
    init(_ array: ScoringError.Array, in file: InputFile, at place: ArrayPlace, processors: Int) {
        self.file = file
        self.processors = processors
        predictions = Predictions(array: array, layout: place.layout)
        offset = place.offset
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

    /// The pixels, of which every probability has been looked at.
    ///
    /// - Returns: Nil if `progress` ended the work.
    /// - Throws: What ``pixels(for:progress:)`` throws.
    func allPixels(
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
}
