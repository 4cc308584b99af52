import ArgumentParser
import DatasetScoring
import Foundation
import Scoring
import ScoringService
import Synchronization
import WebService

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Scores arrays in files, and lists the images worst first.")

    @Argument(
        help: """
            An .npy file of labels, (N, H, W) or (H, W), or of volumes, or an .npz or .safetensors file that has them; a \
            member of another name is named behind a #: arrays.npz#masks. A PNG image of grey values or palette \
            indices is the labels of one image. Or a folder of such files, one an image, with folders in it; or FOLDER/*SUFFIX in quotes, where the star \
            is the name: '*_gtFine_labelTrainIds.png'.
            """)
    var labels: String

    @Argument(
        help: """
            An .npy, .npz or .safetensors file of predicted probabilities or logits, (N, K, H, W) or (K, H, W); by \
            default they are in the file of the labels. Of an .npy file in C order and of a .safetensors file, softmin \
            reads and checks little more than the probabilities of the labels. Or an .npz or .safetensors file of own, \
            largest and predicted, of the shape of labels, with --classes. Or a folder of such files, one an image, of \
            the names that those of the labels have.
            """)
    var predProbs: String?

    @OptionGroup var scoring: ScoringOptions

    @Option(
        help: """
            A directory for image_scores.npy, pixel_scores.npy, with --threshold issues.npy, and but for softmin \
            label_issues.npy. Of folders they are pixel_scores/NAME.npy and the like, and image_names.json has the order of \
            image_scores.npy.
            """)
    var out: String?

    @Option(
        help: """
            A CSV file for regions: neighbouring pixels that have the same label and should have the same other one, \
            those first that the model contradicts most. They are of the label issues, or for softmin of the pixels below \
            --threshold, or else of all that the model would label otherwise.
            """)
    var regions: String?

    @Option(help: "The processors that the loops over pixels are compiled for; by default the best that run here.")
    var cpu: KernelLevel?

    @Option(help: "How many images to list.")
    var limit = 20

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit must be at least 0, not \(limit).") }
    }

    func run() throws {
        cpu.map(KernelLevel.use)
        let bar = Mutex(ProgressBar())
        do throws(FileScoring.Failure) {
            let (ranking, written) = try score { share in bar.withLock { $0.show(share) } }
            bar.withLock { $0.clear() }
            printRanking(ranking)
            for path in written { print("wrote \(path.onOneLine)") }
        } catch {
            bar.withLock { $0.clear() }
            let detail = error.problem.detail
            let facts = [("expected", error.problem.expected), ("found", error.problem.actual)]
                .compactMap { name, fact in fact.map { "\(name) \($0)" } }
            let suffix = facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))"
            let place = error.path.map { "\($0): " } ?? ""
            StandardStreams.complain("segscore: " + "\(place)\(detail)\(suffix)".onOneLine + "\n")
            throw ExitCode.failure
        }
        guard StandardStreams.areWritten() else {
            StandardStreams.complain("segscore: The list cannot be written to the standard output.\n")
            throw ExitCode.failure
        }
    }

    /// Scores the arrays, and writes those that are wanted.
    private func score(
        progress: @escaping @Sendable (Double) -> Void
    ) throws(FileScoring.Failure) -> (ranking: [FileScores.Rank], written: [String]) {
        let processors = ProcessorQuota().count
        // Regions are of what the model would label otherwise.
        let parameters = scoring.parameters(method: "softmin", read: regions == nil ? "labelled" : "all")
        if let folders = try FolderScoring(labels: labels, predictions: predProbs) {
            return try folders.score(
                parameters: parameters, processors: processors, writingTo: out, regionsTo: regions, progress: progress)
        }
        let scoring = try FileScoring(labels: labels, predictions: predProbs)
        let scores = try scoring.score(parameters: parameters, processors: processors, progress: progress)
        var written = try out.map { (directory) throws(FileScoring.Failure) in try scores.write(to: directory) } ?? []
        if let regions { written.append(try scores.writeRegions(to: regions, processors: processors)) }
        return (scores.ranking(), written)
    }

    private func printRanking(_ ranking: [FileScores.Rank]) {
        guard limit > 0 else { return }
        let haveNames = ranking.first?.name != nil
        print("image     score  issue pixels" + (haveNames ? "  name" : ""))
        for rank in ranking.prefix(limit) {
            let name = rank.name.map { "  " + $0.onOneLine } ?? ""
            print(String(format: "%5d  %8.6f  %12d", rank.image, rank.score, rank.issuePixels) + name)
        }
        if ranking.count > limit { print("… and \(ranking.count - limit) more") }
    }
}
