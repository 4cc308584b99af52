import Files
import Foundation
import Glibc
import HTTPTypes
import Memory
import Scoring
import Synchronization
import WebService

/// Scores the images of two folders, as `POST /score` scores those of a request, and keeps of each image no more than
/// its method needs of the others.
package struct FolderScoring {
    private let images: FolderImages
    private let labels: String

    /// Lists the folders, if paths are of folders.
    ///
    /// - Parameters:
    ///   - labels: The path of a folder, or `FOLDER/*SUFFIX`, where the star stands for the names of images.
    ///   - predictions: The same for `pred_probs` or `logits`.
    /// - Returns: Nil if neither is a folder.
    /// - Throws: ``FileScoring/Failure`` if one of them alone is a folder, or if their files do not go together.
    package init?(labels: String, predictions: String?) throws(FileScoring.Failure) {
        let areFolders = (Self.isFolder(labels), predictions.map(Self.isFolder) ?? false)
        guard areFolders.0 || areFolders.1 else { return nil }
        guard let predictions, areFolders.0, areFolders.1 else {
            let problem = Problem(
                .folderUnusable,
                predictions == nil
                    ? "A folder of labels needs a folder of predictions: name it behind that of the labels."
                    : "A folder of labels goes with a folder of predictions, and a file with a file.")
            throw FileScoring.Failure(path: areFolders.0 ? labels : predictions, problem: problem)
        }
        self.labels = labels
        do throws(Problem) {
            images = try FolderImages(
                labels: try Self.folder(labels, of: .labels),
                predictions: try Self.folder(predictions, of: .predictedProbabilities))
        } catch {
            throw FileScoring.Failure(path: nil, problem: error)
        }
    }

    /// Scores all images, and writes their arrays.
    ///
    /// - Parameters:
    ///   - values: The parameters of `POST /score`, by their names on the wire.
    ///   - processors: How many threads read files and go over the images.
    ///   - directory: Where to write arrays, as ``FolderOutput`` does; nil if they are not wanted.
    ///   - regionFile: Where to write regions, as CSV; nil if they are not wanted.
    ///   - progress: Is called with the share of the work that is done, in `[0, 1]`, by one thread at a time.
    /// - Returns: The images, worst first, and what was written.
    /// - Throws: ``FileScoring/Failure`` if the parameters or an image are faulty, or files cannot be written. Nothing
    ///   that this run has written stays then.
    package func score(
        parameters values: [String: String], processors: Int, writingTo directory: String?,
        regionsTo regionFile: String?, progress: @escaping @Sendable (Double) -> Void
    ) throws(FileScoring.Failure) -> (ranking: [FileScores.Rank], written: [String]) {
        do throws(Problem) {
            let parameters = try ScoreParameters(Parameters(scoring: values))
            try parameters.check()
            let output = try directory.map { (path) throws(Problem) in
                try FolderOutput(path, images.names, parameters)
            }
            let table = try regionFile.map { (path) throws(Problem) in
                try RegionTable(path, images.names, parameters)
            }
            do throws(Problem) {
                let ranks = Ranks(images.names, parameters)
                try score(parameters, processors, progress) { (index, scores) throws(Problem) in
                    try table?.add(scores, from: index)
                    try output?.write(scores, of: index)
                    ranks.add(scores, of: index)
                }
                try output?.finish(ranks.imageScores)
                let regions = try table?.write()
                return (ranks.ranking, (output?.written ?? []) + (regions.map { [$0] } ?? []))
            } catch {
                output?.discard()
                throw error
            }
        } catch {
            throw FileScoring.Failure(path: nil, problem: error)
        }
    }

    /// Scores all images.
    ///
    /// - Parameter take: Takes the scores of each image, in any order. Calls overlap.
    private func score(
        _ parameters: ScoreParameters, _ processors: Int, _ progress: @escaping @Sendable (Double) -> Void,
        _ take: @Sendable (Int, SegmentationScores) throws(Problem) -> Void
    ) throws(Problem) {
        let places = ScoringPlaces(
            maxPixels: .max, spoolDirectory: FileManager.default.temporaryDirectory.path, processors: processors)
        let total = Double(images.count)
        let isAlone = parameters.method.type.scoresEachImageAlone
        let state = Mutex((done: 0, waiting: [ScoredPixels?](repeating: nil, count: isAlone ? 0 : images.count)))
        let isComplete = try images.read(parameters, in: places, isCancelled: { false }) {
            (image) throws(Problem) in
            var pixels = image.pixels
            if isAlone {
                try take(image.index, try Self.scores([pixels], parameters, .serial)[0])
            } else {
                // Labels are proved here, where their file is known.
                try parameters.settle(&pixels)
            }
            state.withLock { state in
                if !isAlone { state.waiting[image.index] = pixels }
                state.done += 1
                progress((isAlone ? 1 : 0.9) * Double(state.done) / total)
            }
        }
        precondition(isComplete, "nobody cancels")
        guard !isAlone else { return }
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting.compactMap(\.self)
        }
        let scores = try Self.scores(waiting, parameters, ImageLoop(processors: processors)) { done in
            progress(0.9 + 0.1 * Double(done) / total)
        }
        for (index, scores) in scores.enumerated() { try take(index, scores) }
    }

    private static func scores(
        _ pixels: consuming [ScoredPixels], _ parameters: ScoreParameters, _ loop: ImageLoop,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws(Problem) -> [SegmentationScores] {
        let scores = try parameters.score(consume pixels, on: loop) { done in
            progress(done)
            return true
        }
        guard let scores else { preconditionFailure("nobody cancels") }
        return scores
    }

    /// Whether a path is that of a folder, or has a star where no file has one.
    private static func isFolder(_ text: String) -> Bool {
        var status = stat()
        guard unsafe stat(text, &status) == 0 else { return text.contains("*") }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    private static func folder(_ text: String, of array: ScoringError.Array) throws(Problem) -> ImageFolder {
        var status = stat()
        let isWhole = unsafe stat(text, &status) == 0
        let (path, pattern) =
            isWhole ? (text.withoutSlashesBehind, .any) : try NamePattern.split(text, parameter: array.rawValue)
        return ImageFolder(in: LocalDirectory(path: path), at: ".", pattern, text: path, of: array)
    }
}

/// The places of images in a ranking, as their scores come.
private final class Ranks: Sendable {
    private let names: NameList
    private let issues: IssuesFromScores
    private let ranks: Mutex<[FileScores.Rank?]>

    init(_ names: NameList, _ parameters: ScoreParameters) {
        self.names = names
        issues = IssuesFromScores(threshold: parameters.threshold ?? IssuesFromScores.defaultThreshold)
        ranks = Mutex([FileScores.Rank?](repeating: nil, count: names.all.count))
    }

    /// Adds the one image that some scores are of.
    func add(_ scores: SegmentationScores, of index: Int) {
        let rank = FileScores.Rank(
            image: index, name: names[index], score: scores.imageScores.span[0],
            issuePixels: scores.labelIssues?.counts.span[0]
                ?? issues.count(scores.pixelScores, 0..<scores.shape.pixelCount))
        ranks.withLock { $0[index] = rank }
    }

    /// The scores of all images, in their order.
    var imageScores: [Double] { ranks.withLock { $0.compactMap { $0?.score } } }

    /// The images, worst first, and of equal scores the lower index first.
    var ranking: [FileScores.Rank] {
        ranks.withLock { $0.compactMap(\.self) }.sorted { ($0.score, $0.image) < ($1.score, $1.image) }
    }
}
