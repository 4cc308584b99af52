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

    @Option(
        help: """
            softmin; num_pixel_issues: the share of pixels that are no label issues by confident learning; or margin: how \
            far the model is from the labels where it contradicts them.
            """)
    var method = "softmin"

    @Option(help: "The softmin temperature: small for the worst pixel, large for the mean.")
    var temperature = 0.1

    @Option(help: "The block size for label issues; must divide height and width.")
    var downsample = 1

    @Option(help: "Pixels whose score is below are issues; 0.1 if it is not given.")
    var threshold: Double?

    @Option(help: "softmax or sigmoid, if the file holds a model's outputs and no probabilities.")
    var activation: String?

    @Option(help: "With sum, the values of a pixel are divided by their sum over the classes.")
    var normalize: String?

    @Option(help: "NHWC, if the classes are the last axis of the predictions.")
    var layout: String?

    @Option(help: "bilinear or nearest, as PyTorch has them, if predictions have another size than labels.")
    var resize: String?

    @Flag(help: "With --resize bilinear, corner pixels lie on corner pixels.")
    var alignCorners = false

    @Option(help: "Height and width of predictions without the padding behind them: 500,375.")
    var valid: String?

    @Option(help: "The number of classes, which own, largest and predicted do not tell.")
    var classes: Int?

    @Option(help: "A label whose pixels take no part, or several with commas between.")
    var ignoreLabel: String?

    @Option(
        help: """
            What labels stand for: cityscapes for the ids of its masks, ade20k, or JSON: {"7": 0, "255": null}, where \
            null is for pixels that take no part.
            """)
    var labelMap: String?

    @Option(help: "A number that is added to each label that is not ignored.")
    var labelOffset: Int64?

    @Flag(help: "Pixels labelled 0 or 255 take no part, and k becomes class k - 1, as in mmsegmentation.")
    var reduceZeroLabel = false

    @Option(
        help: """
            The colours of the classes in a PNG image of colours, in their order: #000000,#ff0000. Or an object: \
            {"#ff0000": 1}.
            """)
    var colors: String?

    @Option(help: "With all, softmin reads and checks every probability; labelled, if no --regions are asked for.")
    var read: String?

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
        guard temperature.isFinite, temperature > 0 else {
            throw ValidationError("--temperature must be a finite number above 0, not \(temperature).")
        }
        guard (0...1).contains(threshold ?? 0) else {
            throw ValidationError("--threshold must be a number from 0 to 1, not \(threshold ?? 0).")
        }
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

    /// The parameters by the names that they have in requests, since they are checked as those of requests are.
    private var parameters: [String: String] {
        var parameters = [
            "method": method, "temperature": "\(temperature)", "downsample": "\(downsample)",
            // Regions are of what the model would label otherwise.
            "read": read ?? (regions == nil ? "labelled" : "all"),
        ]
        parameters["threshold"] = threshold.map { "\($0)" }
        parameters["activation"] = activation
        parameters["normalize"] = normalize
        parameters["layout"] = layout
        parameters["resize"] = resize
        if alignCorners { parameters["align_corners"] = "true" }
        parameters["valid"] = valid
        parameters["classes"] = classes.map { "\($0)" }
        parameters["ignore_label"] = ignoreLabel
        parameters["colors"] = colors
        parameters["label_map"] = labelMap
        parameters["label_offset"] = labelOffset.map { "\($0)" }
        if reduceZeroLabel { parameters["reduce_zero_label"] = "true" }
        return parameters
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
