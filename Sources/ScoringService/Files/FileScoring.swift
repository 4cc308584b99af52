import Foundation
import Scoring
import Tensors

/// Scores two npy files as `POST /score` scores two arrays.
package struct FileScoring {
    private let labels: InputFile
    private let predictedProbabilities: InputFile

    /// What was wrong, and with which file, if with one.
    package struct Failure: Error {
        package let path: String?
        package let problem: Problem
    }

    /// - Throws: ``Failure`` where a file cannot be opened.
    package init(labels: String, predictedProbabilities: String) throws(Failure) {
        self.labels = try Self.open(labels)
        self.predictedProbabilities = try Self.open(predictedProbabilities)
    }

    /// Scores all images.
    ///
    /// - Parameters:
    ///   - parameters: As `POST /score` takes them, by their names on the wire.
    ///   - processors: How many threads read `pred_probs` and go over the images.
    ///   - progress: Called with the share of the work that is done, in `[0, 1]`, by one thread at a time.
    /// - Throws: ``Failure`` for whatever is wrong with the parameters or the arrays.
    package func score(
        parameters values: [String: String], processors: Int, progress: @escaping @Sendable (Double) -> Void
    ) throws(Failure) -> FileScores {
        let parameters = try Self.parameters(values)
        let arrays = ScoreArrays(
            Service.Configuration(
                maxBodyBytes: .max, maxJSONBytes: .max, maxPixels: .max,
                spoolDirectory: FileManager.default.temporaryDirectory.path),
            parameters: parameters)
        do throws(Problem) {
            try ArrayFileSource(file: labels, member: nil).read(.labels, into: arrays)
        } catch {
            throw Failure(path: labels.path, problem: error)
        }
        do throws(Problem) {
            let pixels = try ProbabilityFile(predictedProbabilities).read(with: arrays, processors: processors) {
                progress(0.9 * $0)
                return true
            }
            guard let pixels else { preconditionFailure("nobody cancels") }
            let total = Double(pixels.shape.imageCount)
            let settings = try ScoreParameters(parameters)
            let scores = try settings.score(consume pixels, on: ImageLoop(processors: processors)) { done in
                progress(0.9 + 0.1 * Double(done) / total)
                return true
            }
            guard let scores else { preconditionFailure("nobody cancels") }
            return FileScores(scores: scores, parameters: settings)
        } catch {
            let isOfLabels = error.parameter == ScoringError.Array.labels.rawValue
            throw Failure(path: isOfLabels ? labels.path : predictedProbabilities.path, problem: error)
        }
    }

    /// - Throws: ``Failure`` for a value that is not allowed.
    private static func parameters(_ values: [String: String]) throws(Failure) -> Parameters {
        let parameters: Parameters
        do throws(Problem) {
            parameters = try Parameters(values)
            try ScoreParameters(parameters).check()
        } catch {
            throw Failure(path: nil, problem: error)
        }
        return parameters
    }

    private static func open(_ path: String) throws(Failure) -> InputFile {
        do throws(TensorError) {
            return try InputFile(path: path)
        } catch {
            throw Failure(path: path, problem: Problem(error))
        }
    }
}
