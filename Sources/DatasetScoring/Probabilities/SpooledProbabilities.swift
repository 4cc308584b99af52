import Files
import Memory
import Scoring
import WebService

/// `pred_probs` that wait in a spool file, because they came before their labels or before the last parameter, because
/// they are not needed in the order in which they came, or because several processors are to work on them.
final class SpooledProbabilities: ProbabilitySource, ArrayAccumulator {
    private let predictions: Predictions
    private let spool: SpoolFile
    private let processors: Int

    var accumulator: (any ArrayAccumulator)? { self }
    var imagesDone: Int { 0 }

    /// Creates the spool file.
    ///
    /// - Parameters:
    ///   - predictions: The array that arrives.
    ///   - labels: The shape of labels; nil if it is not known.
    ///   - parameters: The parameters that have come.
    ///   - parametersAreKnown: Whether all parameters have come. Parameters that are still to come may say that the
    ///     array holds only the labelled classes of bands.
    ///   - places: The limits and directories of the scoring.
    /// - Throws: A problem with the layout that does not depend on the labels; 507 if the file cannot be made.
    init(
        _ predictions: Predictions, labels: [Int]?, _ parameters: ScoreParameters, parametersAreKnown: Bool,
        in places: ScoringPlaces
    ) throws(Problem) {
        let layout = predictions.layout
        let areBands = predictions.classCountOfBands(parameters, labels: labels) != nil
        let mayBeBands =
            predictions.array == .predictedProbabilities && layout.shape.count == 3 && labels?.count != 2
            && !parametersAreKnown
        do throws(ScoringError) {
            if areBands, parametersAreKnown, labels != nil {
                try OwnAccumulator.check(layout)
            } else if areBands || mayBeBands {
                try OwnAccumulator.checkType(layout)
            } else {
                try PixelAccumulator.check(layout, pixelLimit: places.maxPixels)
            }
        } catch {
            throw predictions.problem(error)
        }
        self.predictions = predictions
        processors = places.processors
        do throws(FileError) {
            spool = try SpoolFile(directory: places.spoolDirectory)
        } catch {
            throw Problem(ScoringError.file(error))
        }
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        do throws(FileError) {
            try spool.append(bytes)
        } catch {
            throw .file(error)
        }
    }

    func pixels(for demand: ProbabilityDemand, progress: (Double) -> Bool) throws(Problem) -> ScoredPixels? {
        let file: InputFile
        do throws(FileError) {
            file = try spool.reader()
        } catch {
            throw Problem(error)
        }
        guard demand.axes != nil else {
            return try labelledPixels(in: file, demand)
        }
        let place = ArrayPlace(layout: predictions.layout, offset: 0)
        let probabilities = FileProbabilities(predictions.array, in: file, at: place, processors: processors)
        return try probabilities.allPixels(for: demand, progress: progress)
    }

    /// The pixels, for an array that holds only the labelled classes of bands.
    private func labelledPixels(in file: InputFile, _ demand: ProbabilityDemand) throws(Problem) -> ScoredPixels {
        let accumulator = try demand.accumulator(for: predictions)
        try file.read(0..<predictions.layout.byteCount, of: predictions.array) { (bytes) throws(Problem) in
            do throws(ScoringError) {
                try accumulator.receive(bytes)
            } catch {
                throw predictions.problem(error)
            }
        }
        do throws(ScoringError) {
            return try accumulator.finish()
        } catch {
            throw predictions.problem(error)
        }
    }
}
