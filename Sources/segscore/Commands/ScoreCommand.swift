import ArgumentParser
import Foundation
import ScoringService

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Scores arrays in files, and lists the images worst first.")

    @Argument(help: "An .npy file of labels, (N, H, W).")
    var labels: String

    @Argument(help: "An .npy file of predicted probabilities, (N, K, H, W).")
    var predProbs: String

    @Option(help: "The softmin temperature: small for the worst pixel, large for the mean.")
    var temperature = 0.1

    @Option(help: "Pixels whose score is below are issues; 0.1 where it is not given.")
    var threshold: Double?

    @Option(help: "A label whose pixels take no part.")
    var ignoreLabel: Int64?

    @Option(help: "A directory for image_scores.npy, pixel_scores.npy and, with --threshold, issues.npy.")
    var out: String?

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
        var bar = ProgressBar()
        do throws(FileScoring.Failure) {
            let scoring = try FileScoring(labels: labels, predictedProbabilities: predProbs)
            let scores = try scoring.score(temperature: temperature, ignoredLabel: ignoreLabel) { bar.show($0) }
            bar.clear()
            let written = try out.map { (directory) throws(FileScoring.Failure) in
                try scores.write(to: directory, threshold: threshold)
            }
            printRanking(scores.ranking(threshold: threshold))
            for path in written ?? [] { print("wrote \(path)") }
        } catch {
            bar.clear()
            let detail = error.problem.detail
            let facts = [("expected", error.problem.expected), ("found", error.problem.actual)]
                .compactMap { name, fact in fact.map { "\(name) \($0)" } }
            let suffix = facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))"
            FileHandle.standardError.write(Data("segscore: \(error.path): \(detail)\(suffix)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func printRanking(_ ranking: [FileScores.Rank]) {
        guard limit > 0 else { return }
        print("image     score  issue pixels")
        for rank in ranking.prefix(limit) {
            print(String(format: "%5d  %8.6f  %12d", rank.image, rank.score, rank.issuePixels))
        }
        if ranking.count > limit { print("… and \(ranking.count - limit) more") }
    }
}
