import Files
import Foundation
import Memory
import Testing
import TestSupport

@testable import Scoring

@Suite struct StoredPixelsTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("pixels") }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: StoredSample.all) func giveTheLabelIssuesOfThoseThatStayedInMemory(sample: StoredSample) throws {
        let expected = try sample.labelIssues(sample.pixels())
        #expect(expected.labelIssues?.counts.values.contains { $0 > 0 } == true)
        let contents = try sample.store(sample.pixels(), at: path)
        expectSame(try sample.labelIssues(ScoredPixels(contents, path: path)), expected)
        // And again: what scoring writes stays out of the file.
        expectSame(try sample.labelIssues(ScoredPixels(contents, path: path)), expected)
    }

    @Test(arguments: StoredSample.all) func giveTheSoftminOfThoseThatStayedInMemory(sample: StoredSample) throws {
        let contents = try sample.store(sample.pixels(), at: path)
        expectSame(
            try sample.softmin(ScoredPixels(contents, path: path)), try sample.softmin(sample.pixels()))
    }

    @Test(arguments: StoredSample.all.filter { $0.downsample == 1 })
    func needNoPredictedClasses(sample: StoredSample) throws {
        let contents = try sample.store(sample.ownPixels(), at: path)
        let scores = try sample.softmin(ScoredPixels(contents, path: path))
        #expect(scores.predicted == nil)
        expectSame(scores, try sample.softmin(sample.ownPixels()))
    }

    @Test(arguments: StoredSample.all) func tellTheSizeOfTheirFile(sample: StoredSample) throws {
        let contents = try sample.store(sample.pixels(), at: path)
        #expect(contents.byteCount == (try folder.bytes("pixels").count))
        #expect(contents.hasFloat64 == (sample.scalar == .float64))
        #expect(contents.shape == (try sample.pixels().shape))
    }

    @Test(arguments: StoredSample.all.filter { $0.downsample > 1 })
    func standAloneWhenTheBlocksBehindThemAreCutOff(sample: StoredSample) throws {
        let contents = try sample.store(sample.pixels(), at: path)
        let rest = contents.withoutBlocks
        #expect(rest.byteCount < contents.byteCount)
        var plain = sample
        plain.downsample = 1
        #expect(rest == (try plain.store(plain.pixels(), at: folder.path("without"))))
        let whole = try folder.bytes("pixels")
        #expect(try folder.bytes("without") == Array(whole[..<rest.byteCount]))

        try ArrayFile.truncate(path, to: rest.byteCount)
        expectSame(try sample.softmin(ScoredPixels(rest, path: path)), try sample.softmin(sample.pixels()))
        #expect(throws: FileError.endOfFile(path: path)) { try ScoredPixels(contents, path: path) }
    }

    @Test(arguments: StoredSample.all) func areKnownByWhatIsWrittenOfThemAsJSON(sample: StoredSample) throws {
        var pixels = try sample.pixels()
        try pixels.settle(ignoredLabel: sample.ignored)
        let contents = pixels.stored.contents
        let text = try JSONEncoder().encode(contents)
        #expect(try JSONDecoder().decode(StoredPixels.self, from: text) == contents)
    }

    /// Pages of a mapped file that are written to become memory of the process.
    @Test(arguments: [1, -1] as [Int64]) func areNotWrittenToAgain(ignored: Int64) throws {
        let sample = StoredSample(ignored: ignored)
        var pixels = try sample.pixels()
        #expect(!pixels.isSettled)
        try pixels.settle(ignoredLabel: ignored)
        #expect(pixels.isSettled)
        guard case .float32(let scores) = pixels.scores else { throw ScoringError.elementType(.labels, .float32) }
        let pixel = try #require(pixels.labels.codeValues.firstIndex(of: ignored == 1 ? 1 : 65_535))
        #expect(scores.span[pixel] == 1)
        scores.withMutableSpan { $0[pixel] = 0.5 }
        try pixels.settle(ignoredLabel: ignored)
        try pixels.settle(image: 0, ignoredLabel: ignored)
        let scored = try sample.softmin(pixels)
        #expect(scored.pixelScores.values[pixel] == 0.5)

        let contents = try sample.store(sample.pixels(), at: path)
        #expect(try ScoredPixels(contents, path: path).isSettled)
    }

    @Test func areNotSettledWhereALabelIsNoClass() throws {
        var pixels = try StoredSample(ignored: 70_000).pixels()
        #expect(throws: ScoringError.self) { try pixels.settle(ignoredLabel: -1) }
        #expect(!pixels.isSettled)
        try pixels.settle(ignoredLabel: 70_000)
    }

    @Test func reportAFileThatIsNotThere() throws {
        let contents = try StoredSample().store(StoredSample().pixels(), at: path)
        let missing = folder.path("missing")
        #expect(throws: FileError.system(operation: "open", path: missing, code: ENOENT)) {
            try ScoredPixels(contents, path: missing)
        }
    }
}
