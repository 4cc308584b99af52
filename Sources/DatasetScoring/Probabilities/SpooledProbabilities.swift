import Scoring
import Tensors
import WebService

/// `pred_probs` that wait in a spool file: they come before their labels or before what may be a parameter, or their
/// bytes are not wanted in the order in which they come.
final class SpooledProbabilities: ProbabilitySource, ArrayAccumulator {
    private let layout: TensorLayout
    private let spool: SpoolFile

    var accumulator: (any ArrayAccumulator)? { self }
    var imagesDone: Int { 0 }

    /// - Parameters:
    ///   - parameters: Those that have come.
    ///   - parametersAreKnown: Whether all parameters have come. Those that are still to come may say that the array
    ///     holds the labelled classes of bands alone.
    /// - Throws: What is wrong with the layout, whatever the labels; ``ScoringError/memory(_:)`` if there can be no
    ///   file.
    init(
        _ layout: TensorLayout, _ parameters: ScoreParameters, parametersAreKnown: Bool, in places: ScoringPlaces
    ) throws(ScoringError) {
        if parameters.classCount(ofBands: layout) != nil || (layout.shape.count == 3 && !parametersAreKnown) {
            try OwnAccumulator.check(layout)
        } else {
            try PixelAccumulator.check(layout, pixelLimit: places.maxPixels)
        }
        self.layout = layout
        do throws(TensorError) {
            spool = try SpoolFile(directory: places.spoolDirectory)
        } catch {
            throw .memory(error)
        }
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        do throws(TensorError) {
            try spool.append(bytes)
        } catch {
            throw .memory(error)
        }
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        let file: InputFile
        do throws(TensorError) {
            file = try spool.reader()
        } catch {
            throw Problem(error)
        }
        guard demand.parameters.classCount(ofBands: layout) == nil else { return try labelledPixels(in: file, demand) }
        let pixels = try demand.pixelAccumulator(for: layout)
        let band: PixelBand
        do throws(ScoringError) {
            band = try pixels.bands(1)[0]
        } catch {
            throw Problem(error)
        }
        var done = 0
        let isComplete = try BandReader(file: file, offset: 0).read(into: band) { piece in
            done += piece.bytes.count
            return progress(Double(done) / Double(layout.byteCount))
        }
        return isComplete ? pixels.finish() : nil
    }

    /// The pixels, if the array holds the labelled classes of bands alone.
    private func labelledPixels(in file: InputFile, _ demand: ProbabilityDemand) throws(Problem) -> ScoredPixels {
        let accumulator = try demand.accumulator(for: layout)
        try file.read(0..<layout.byteCount, of: .predictedProbabilities) { (bytes) throws(Problem) in
            do throws(ScoringError) {
                try accumulator.receive(bytes)
            } catch {
                throw Problem(error)
            }
        }
        do throws(ScoringError) {
            return try accumulator.finish()
        } catch {
            throw Problem(error)
        }
    }
}
