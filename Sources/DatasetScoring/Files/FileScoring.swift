import Foundation
import Glibc
import Scoring
import Tensors
package import WebService

/// Scores two arrays in files, or in one archive, as `POST /score` scores two arrays.
package struct FileScoring {
    private let labels: ArrayFileSource
    private let predictedProbabilities: ArrayFileSource

    /// What was wrong, and with which file, if with one.
    package struct Failure: Error {
        package let path: String?
        package let problem: Problem
    }

    /// - Parameters:
    ///   - labels: An npy file, or an archive; then its member of this name, or the one that is named behind a `#`.
    ///   - predictedProbabilities: Another; nil for those in the archive of `labels`.
    /// - Throws: ``Failure`` where a file cannot be opened.
    package init(labels: String, predictedProbabilities: String?) throws(Failure) {
        self.labels = try Self.open(labels, .labels)
        self.predictedProbabilities = try Self.open(
            predictedProbabilities ?? Self.withoutMember(labels), .predictedProbabilities)
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
            ScoringPlaces(maxPixels: .max, spoolDirectory: FileManager.default.temporaryDirectory.path),
            parameters: parameters)
        do throws(Problem) {
            try labels.read(.labels, into: arrays)
        } catch {
            throw Failure(path: labels.file.path, problem: error)
        }
        do throws(Problem) {
            let pixels = try pixels(arrays, processors, progress)
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
            throw Failure(
                path: isOfLabels ? labels.file.path : predictedProbabilities.file.path, problem: error)
        }
    }

    /// Reads an npy file at several places at once, and the member of an archive from its first byte to its last.
    private func pixels(
        _ arrays: ScoreArrays, _ processors: Int, _ progress: @Sendable (Double) -> Void
    ) throws(Problem) -> ScoredPixels? {
        guard predictedProbabilities.member == nil else {
            try predictedProbabilities.read(.predictedProbabilities, into: arrays)
            progress(0.9)
            return try arrays.complete(isCancelled: { false })
        }
        return try ProbabilityFile(predictedProbabilities.file).read(with: arrays, processors: processors) {
            progress(0.9 * $0)
            return true
        }
    }

    /// - Throws: ``Failure`` for a value that is not allowed.
    private static func parameters(_ values: [String: String]) throws(Failure) -> Parameters {
        let parameters: Parameters
        do throws(Problem) {
            parameters = try Parameters(scoring: values)
            try ScoreParameters(parameters).check()
        } catch {
            throw Failure(path: nil, problem: error)
        }
        return parameters
    }

    /// A path that is no file's may name a member behind a `#`; an archive's own name stands for its member of the array's.
    private static func open(_ text: String, _ array: ScoringError.Array) throws(Failure) -> ArrayFileSource {
        let (path, member) = split(text)
        do throws(TensorError) {
            let file = try InputFile(path: path)
            guard member == nil, ZipMembers.isArchive(file) else { return ArrayFileSource(file: file, member: member) }
            let found = ZipMembers.names(in: file).first { array.isCalled(NpzForm.arrayName($0) ?? "") }
            return ArrayFileSource(file: file, member: found ?? array.rawValue)
        } catch {
            throw Failure(path: path, problem: Problem(error))
        }
    }

    private static func split(_ text: String) -> (path: String, member: String?) {
        guard unsafe access(text, F_OK) != 0, let mark = text.lastIndex(of: "#") else { return (text, nil) }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }

    private static func withoutMember(_ text: String) -> String { split(text).path }
}
