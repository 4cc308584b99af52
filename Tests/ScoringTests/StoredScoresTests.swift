import Files
import Foundation
import Memory
import Testing
import TestSupport

@testable import Scoring

/// Scores that are stored after they were made.
@Suite struct StoredScoresTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("pixels") }
    private var scoresPath: String { folder.path("scores") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func store(_ scores: SegmentationScores) throws -> StoredPixels {
        let (contents, arrays) = scores.storedPixels
        try ArrayFile.write(arrays, to: path)
        try ArrayFile.write(try scores.storedScores(), to: scoresPath)
        return contents
    }

    private func read(_ contents: StoredPixels, _ statistics: LabelIssues.Statistics?) throws -> SegmentationScores {
        try SegmentationScores(contents, path: path, scoresPath: scoresPath, statistics: statistics)
    }

    @Test(arguments: StoredSample.all) func areReadBackWithTheirLabelIssues(sample: StoredSample) throws {
        let scores = try sample.labelIssues(sample.pixels())
        let statistics = try #require(scores.labelIssues?.statistics)
        let contents = try store(scores)
        expectSame(try read(contents, statistics), scores)
        #expect(contents.byteCount == (try folder.bytes("pixels").count))
        #expect(
            SegmentationScores.storedByteCount(scores.shape, hasLabelIssues: true)
                == (try folder.bytes("scores").count))
        // Statistics are kept beside the files, as JSON.
        let text = try JSONEncoder().encode(statistics)
        #expect(try JSONDecoder().decode(LabelIssues.Statistics.self, from: text) == statistics)
    }

    @Test(arguments: StoredSample.all) func areReadBackWithoutLabelIssues(sample: StoredSample) throws {
        let scores = try sample.softmin(sample.pixels())
        let contents = try store(scores)
        expectSame(try read(contents, nil), scores)
        #expect(
            SegmentationScores.storedByteCount(scores.shape, hasLabelIssues: false)
                == (try folder.bytes("scores").count))
    }

    @Test func areReadBackWithoutPredictedClasses() throws {
        let sample = StoredSample(ignored: -1)
        let scores = try sample.softmin(sample.ownPixels())
        expectSame(try read(try store(scores), nil), scores)
    }

    @Test(arguments: StoredSample.all) func needNoCellsOfTheirPixels(sample: StoredSample) throws {
        let expected = try sample.labelIssues(sample.pixels())
        let contents = try sample.store(sample.pixels(), at: path)
        let scores = try sample.labelIssues(ScoredPixels(contents, path: path))
        try ArrayFile.write(try scores.storedScores(), to: scoresPath)
        #expect(scores.storedPixels.contents == contents.withoutBlocks)
        try ArrayFile.truncate(path, to: contents.withoutBlocks.byteCount)
        expectSame(try read(contents.withoutBlocks, expected.labelIssues?.statistics), expected)
    }

    @Test func reportFilesThatAreTooShort() throws {
        let scores = try StoredSample().softmin(StoredSample().pixels())
        let contents = try store(scores)
        let statistics = try #require(
            try StoredSample().labelIssues(StoredSample().pixels()).labelIssues?.statistics)
        #expect(throws: FileError.endOfFile(path: scoresPath)) { try read(contents, statistics) }
        try ArrayFile.truncate(path, to: contents.byteCount - 1)
        #expect(throws: FileError.endOfFile(path: path)) { try read(contents, nil) }
    }
}
