import Foundation
import Scoring
import TensorCodecs
import Tensors

/// Scores two npy files as `POST /score` scores two arrays, from memory-mapped files.
package struct FileScoring {
    private let labels: MappedFile
    private let predictedProbabilities: MappedFile
    private let labelsPath: String
    private let predictedProbabilitiesPath: String

    /// What was wrong, and with which file.
    package struct Failure: Error {
        package let path: String
        package let problem: Problem
    }

    /// - Throws: ``Failure`` where a file cannot be opened.
    package init(labels: String, predictedProbabilities: String) throws(Failure) {
        self.labels = try Self.map(labels)
        self.predictedProbabilities = try Self.map(predictedProbabilities)
        labelsPath = labels
        predictedProbabilitiesPath = predictedProbabilities
    }

    /// Scores all images.
    ///
    /// - Parameters:
    ///   - temperature: Finite and above 0.
    ///   - progress: Called with the share of the work that is done, in `[0, 1]`.
    /// - Throws: ``Failure`` for whatever is wrong with the arrays.
    package func score(
        temperature: Double, ignoredLabel: Int64?, progress: (Double) -> Void
    ) throws(Failure) -> FileScores {
        let arrays = ScoreArrays(
            Service.Configuration(
                maxBodyBytes: .max, maxJSONBytes: .max, maxPixels: .max,
                spoolDirectory: FileManager.default.temporaryDirectory.path),
            parameters: Parameters(known: []))
        let intake = ArrayIntake(arrays)
        try read(labels, as: .labels, intake, labelsPath) { _ in }
        try read(predictedProbabilities, as: .predictedProbabilities, intake, predictedProbabilitiesPath) {
            progress(0.9 * $0)
        }
        do throws(Problem) {
            guard let pixels = try arrays.complete(isCancelled: { false }) else {
                preconditionFailure("nobody cancels")
            }
            let total = Double(pixels.shape.imageCount)
            do throws(ScoringError) {
                let softmin = Softmin(temperature: temperature, ignoredLabel: ignoredLabel)
                let scores = try softmin.score(pixels) { done in
                    progress(0.9 + 0.1 * Double(done) / total)
                    return true
                }
                guard let scores else { preconditionFailure("nobody cancels") }
                return FileScores(scores: scores)
            } catch {
                throw Problem(error)
            }
        } catch {
            let path =
                error.parameter == ScoringError.Array.labels.rawValue ? labelsPath : predictedProbabilitiesPath
            throw Failure(path: path, problem: error)
        }
    }

    private func read(
        _ file: MappedFile, as array: ScoringError.Array, _ intake: ArrayIntake, _ path: String,
        progress: (Double) -> Void
    ) throws(Failure) {
        do throws(Problem) {
            var part = NpyPart(try intake.open(array.rawValue), intake, byteLimit: .max)
            // Large enough that a step costs nothing beside its bytes, small enough for a bar that moves.
            let step = 4 << 20
            for start in stride(from: 0, to: file.count, by: step) {
                let end = min(start + step, file.count)
                try part.receive(file.span.extracting(start..<end))
                progress(Double(end) / Double(file.count))
            }
            try part.finish()
        } catch {
            throw Failure(path: path, problem: error)
        }
    }

    private static func map(_ path: String) throws(Failure) -> MappedFile {
        do throws(TensorError) {
            return try MappedFile(path: path)
        } catch {
            throw Failure(path: path, problem: Problem(error))
        }
    }
}
