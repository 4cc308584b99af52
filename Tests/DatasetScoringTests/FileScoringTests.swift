import Foundation
import HTTPTypes
import Memory
import Synchronization
import Testing
import TestSupport

@testable import DatasetScoring
import WebService

@Suite struct FileScoringTests {
    private let sample = Sample()

    @Test func scoresTheArraysInFiles() throws {
        let folder = try TemporaryFolder()
        let scoring = try FileScoring(
            labels: try folder.write(sample.labelsFile, "labels.npy"),
            predictions: try folder.write(sample.probabilitiesFile, "pred_probs.npy"))
        let told = Mutex<[Double]>([])
        let scores = try scoring.score(
            parameters: ["temperature": "0.5", "ignore_label": "2", "threshold": "0.5"], processors: 2
        ) { share in told.withLock { $0.append(share) } }
        let shares = told.withLock { $0 }
        #expect(shares == shares.sorted() && shares.last == 1)

        let out = folder.path + "/out"
        let written = try scores.write(to: out)
        #expect(written == ["image_scores", "pixel_scores", "issues"].map { "\(out)/\($0).npy" })
        let pixels = try Data(contentsOf: URL(fileURLWithPath: out + "/pixel_scores.npy"))
        #expect(Array(pixels) == npy(sample.pixelScores(ignoring: 2), .float32, [2, 2, 3]))

        let expected = sample.imageScores(temperature: 0.5, ignoring: 2)
        let ranking = scores.ranking()
        // Both sum a dozen float64 terms of at most 1.
        #expect(zip(ranking.map(\.score), expected.sorted()).allSatisfy { abs($0 - $1) < 1e-14 })
        #expect(ranking.count == 2)
    }

    @Test func takesTheMembersOfAnArchive() async throws {
        let folder = try TemporaryFolder()
        let others = [("__MACOSX/run/._labels", sample.labelsFile), ("ids", sample.labelsFile)]
        let files = [("run/softmax", sample.probabilitiesFile), ("run/labels", sample.labelsFile)]
        let path = try folder.write(try archive(others + files).bytes, "arrays.npz")
        let expected = try FileScoring(
            labels: try folder.write(sample.labelsFile, "labels.npy"),
            predictions: try folder.write(sample.probabilitiesFile, "pred_probs.npy")
        ).score(parameters: [:], processors: 1) { _ in }.ranking()
        for (labels, probabilities) in [
            (path, nil), (path, path), (path + "#ids", path),
            (path + "#run/labels.npy", folder.path + "/pred_probs.npy"),
            (folder.path + "/labels.npy", path + "#run/softmax"),
        ] as [(String, String?)] {
            let scoring = try FileScoring(labels: labels, predictions: probabilities)
            #expect(try scoring.score(parameters: [:], processors: 2) { _ in }.ranking() == expected)
        }
        #expect {
            try FileScoring(labels: path + "#masks", predictions: path).score(parameters: [:], processors: 1) {
                _ in
            }
        } throws: { error in
            (error as? FileScoring.Failure)?.problem.detail.contains("it has ids, run/softmax, run/labels.") == true
        }
    }

    @Test func writesOnlyWhereItCanAndSaysWhyNot() throws {
        let folder = try TemporaryFolder()
        let labels = try folder.write(sample.labelsFile, "labels.npy")
        let probabilities = try folder.write(sample.probabilitiesFile, "pred_probs.npy")
        let scores = try FileScoring(labels: labels, predictions: probabilities)
            .score(parameters: [:], processors: 1) { _ in }
        #expect(try scores.write(to: folder.path + "/a/b/c/").count == 2)
        #expect {
            try scores.write(to: labels + "/out")
        } throws: { error in
            (error as? FileScoring.Failure)?.problem.detail == "Could not make \(labels)/out: Not a directory."
        }
    }

    @Test func namesTheFileThatIsWrong() throws {
        let folder = try TemporaryFolder()
        let labels = try folder.write(sample.labelsFile, "labels.npy")
        let junk = try folder.write(Array("junk".utf8), "junk.npy")
        #expect {
            try FileScoring(labels: labels, predictions: junk).score(parameters: [:], processors: 2) { _ in
            }
        } throws: { error in
            let failure = error as? FileScoring.Failure
            return failure?.path == junk && failure?.problem.type == .malformedBody
        }
        #expect {
            try FileScoring(labels: folder.path + "/none.npy", predictions: junk)
        } throws: { error in
            (error as? FileScoring.Failure)?.path == folder.path + "/none.npy"
        }
    }
}
