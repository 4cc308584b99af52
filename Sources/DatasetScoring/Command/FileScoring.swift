import Files
import Foundation
import Glibc
import Memory
import Scoring
package import WebService

/// Scores two arrays from files, or from one archive, as `POST /score` scores the arrays of a request.
package struct FileScoring {
    private let labels: FileArray
    /// The array that tells of predicted probabilities, one of ``Predictions/arrays``.
    private let array: ScoringError.Array
    private let predictions: FileArray

    /// A problem, with the path of the file that has it if it is the problem of a file.
    package struct Failure: Error {
        /// The path of the file; nil if the problem is none of a file.
        package let path: String?
        /// The problem, worded as the service words it.
        package let problem: Problem
    }

    /// Opens the files.
    ///
    /// - Parameters:
    ///   - labels: The path of an npy file, of an archive or of a safetensors file. Of the latter two, the member or
    ///     tensor that is named behind a `#` is read, or else the one called `labels`.
    ///   - predictions: The same for `pred_probs`, or else `logits`, or else `own`, beside which the others that stand
    ///     together with it are read; nil if they lie in the file of `labels`.
    /// - Throws: ``Failure`` if a file cannot be opened.
    package init(labels: String, predictions: String?) throws(Failure) {
        (_, self.labels) = try Self.open(labels, [.labels])
        (array, self.predictions) = try Self.open(predictions ?? Self.withoutMember(labels), Predictions.arrays)
    }

    /// Scores all images.
    ///
    /// - Parameters:
    ///   - values: The parameters of `POST /score`, by their names on the wire.
    ///   - processors: How many threads read `pred_probs` and go over the images.
    ///   - progress: Is called with the share of the work that is done, in `[0, 1]`, by one thread at a time.
    /// - Throws: ``Failure`` if the parameters or the arrays are faulty.
    package func score(
        parameters values: [String: String], processors: Int, progress: @escaping @Sendable (Double) -> Void
    ) throws(Failure) -> FileScores {
        let (arrays, parameters) = try inputs(values, processors)
        do throws(Problem) {
            try labels.read(.labels, into: arrays)
        } catch {
            throw Failure(path: labels.file.path, problem: error)
        }
        do throws(Problem) {
            let pixels = try pixels(arrays, processors, progress)
            guard let pixels else { preconditionFailure("nobody cancels") }
            let total = Double(pixels.shape.imageCount)
            let scores = try parameters.score([consume pixels], on: ImageLoop(processors: processors)) { done in
                progress(0.9 + 0.1 * Double(done) / total)
                return true
            }
            guard let scores else { preconditionFailure("nobody cancels") }
            return FileScores(scores: DatasetScores(scores), parameters: parameters)
        } catch {
            let isOfLabels = error.parameter == ScoringError.Array.labels.rawValue
            throw Failure(
                path: isOfLabels ? labels.file.path : predictions.file.path, problem: error)
        }
    }

    /// Reads `pred_probs`. An array whose elements follow one another is read at several places at once, the member of an
    /// archive from its first byte to its last.
    private func pixels(
        _ arrays: ScoreArrays, _ processors: Int, _ progress: @Sendable (Double) -> Void
    ) throws(Problem) -> ScoredPixels? {
        guard !array.isReduced else {
            for array in Predictions.reducedArrays {
                let file: FileArray? = array == self.array ? predictions : .member(of: predictions.file, called: array)
                try file?.read(array, into: arrays)
            }
            progress(0.9)
            return try arrays.complete(isCancelled: { false })
        }
        guard let place = try predictions.place(of: array) else {
            try predictions.read(array, into: arrays)
            progress(0.9)
            return try arrays.complete(isCancelled: { false })
        }
        let source = FileProbabilities(array, in: predictions.file, at: place, processors: processors)
        return try source.pixels(for: try arrays.demand(on: source.predictions)) {
            progress(0.9 * $0)
            return true
        }
    }

    /// The inputs for a scoring with some parameters.
    ///
    /// - Throws: ``Failure`` for a parameter that is unknown, or whose value is not allowed.
    private func inputs(
        _ values: [String: String], _ processors: Int
    ) throws(Failure) -> (ScoreArrays, ScoreParameters) {
        let places = ScoringPlaces(
            maxPixels: .max, spoolDirectory: FileManager.default.temporaryDirectory.path, processors: processors)
        do throws(Problem) {
            let arrays = ScoreArrays(places, parameters: try Parameters(scoring: values))
            let parameters = try arrays.parameters
            try parameters.check()
            return (arrays, parameters)
        } catch {
            throw Failure(path: nil, problem: error)
        }
    }

    /// Opens the file that a path names, which holds one of some arrays.
    ///
    /// If the path of an archive or of a safetensors file names no member, it stands for the member that has the name of
    /// an array. A file of a single array, whose name tells nothing, holds the first.
    private static func open(
        _ text: String, _ arrays: [ScoringError.Array]
    ) throws(Failure) -> (ScoringError.Array, FileArray) {
        let (path, member) = split(text)
        do throws(FileError) {
            let file = try InputFile(path: path)
            guard let member else { return FileArray.find(arrays, in: file) }
            let array = arrays.first { $0.isCalled(member) } ?? arrays[0]
            return (array, FileArray(file: file, member: member))
        } catch {
            throw Failure(path: path, problem: Problem(error))
        }
    }

    /// Cuts off the name of a member behind a `#`, unless the `#` belongs to the name of an existing file.
    private static func split(_ text: String) -> (path: String, member: String?) {
        guard unsafe access(text, F_OK) != 0, let mark = text.lastIndex(of: "#") else { return (text, nil) }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }

    private static func withoutMember(_ text: String) -> String { split(text).path }
}
