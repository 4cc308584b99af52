import Files
import Foundation
import Memory
import Scoring
import Synchronization
import Testing
import TestSupport

@testable import DatasetScoring
import WebService

@Suite struct FolderImagesTests {
    private let folder: TemporaryFolder
    private static let count = 20

    init() throws {
        folder = try TemporaryFolder()
        for name in ["masks", "probs/a"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try FileManager.default.createDirectory(atPath: folder.path("masks/a"), withIntermediateDirectories: true)
        for image in 0..<Self.count {
            // Each image has a width of its own, by which it is known again.
            let sample = Sample(images: 1, width: image + 1)
            let labels = npy(sample.labels.map(Int64.init), .int64, [2, image + 1])
            let values = npy(sample.probabilities, .float32, [3, 2, image + 1])
            try folder.write(labels, "masks/\(Self.name(image)).npy")
            try folder.write(values, "probs/\(Self.name(image)).npy")
        }
    }

    private static func name(_ image: Int) -> String { image < 5 ? "a/\(image)" : String(format: "b%02d", image) }

    private func images() throws -> FolderImages {
        let directory = LocalDirectory(path: folder.path)
        return try FolderImages(
            labels: ImageFolder(in: directory, at: "masks", .any, text: "masks", of: .labels),
            predictions: ImageFolder(in: directory, at: "probs", .any, text: "probs", of: .predictedProbabilities))
    }

    private func read(
        _ images: FolderImages, processors: Int, isCancelled: () -> Bool = { false },
        _ take: @Sendable (FolderImages.Image) throws(Problem) -> Void
    ) throws -> Bool {
        let places = ScoringPlaces(
            maxPixels: 1000, spoolDirectory: NSTemporaryDirectory(), processors: processors)
        return try images.read(
            ScoreParameters(Parameters(scoring: [:])), in: places, isCancelled: isCancelled, take)
    }

    @Test(arguments: [1, 2, 4, 64])
    func readsEachImageOnce(processors: Int) throws {
        let images = try images()
        #expect(images.names.all == (0..<Self.count).map(Self.name))
        let widths = Mutex<[Int: Int]>([:])
        let isComplete = try read(images, processors: processors) { image in
            widths.withLock { widths in
                #expect(widths[image.index] == nil)
                widths[image.index] = image.pixels.shape.width
            }
        }
        #expect(isComplete)
        #expect(widths.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<Self.count).map { ($0, $0 + 1) }))
    }

    @Test(arguments: [1, 3, 8])
    func tellsTheProblemOfTheFirstImageThatHasOne(processors: Int) throws {
        for image in [7, 8, 12] { try folder.write(Array("junk".utf8), "probs/\(Self.name(image)).npy") }
        #expect {
            try read(try images(), processors: processors) { _ in }
        } throws: { error in
            let problem = error as? Problem
            return problem?.type == .malformedBody && problem?.detail.hasPrefix("probs/b07.npy: ") == true
        }
    }

    @Test(arguments: [1, 3])
    func endsWhenItIsCanceled(processors: Int) throws {
        let taken = Atomic(0)
        let isComplete = try read(try images(), processors: processors) {
            taken.load(ordering: .relaxed) > 2
        } _: { _ in
            taken.add(1, ordering: .relaxed)
        }
        #expect(!isComplete && taken.load(ordering: .relaxed) < Self.count)
    }

    @Test func hasEachImageHoldItsLimit() throws {
        let sample = Sample(images: 1, height: 30, width: 40)
        try folder.write(npy(sample.labels.map(Int64.init), .int64, [30, 40]), "masks/b09.npy")
        #expect {
            try read(try images(), processors: 2) { _ in }
        } throws: { error in
            let problem = error as? Problem
            return problem?.type == .tooManyPixels && problem?.detail.contains("masks/b09.npy") == true
        }
    }
}
