import Foundation
import Tensors
import Testing

@testable import TensorCodecs

@Suite struct NpzEncoderTests {
    private func bytes(of pieces: [NpzPiece]) -> [UInt8] {
        pieces.flatMap { Array($0.owner.stableBytes[$0.range]) }
    }

    private func entries() throws -> [NpzEntry] {
        let scores = try Buffer<Double>([9, 0.25, 0.5, 9])
        let mask = try Buffer<UInt8>([1, 0, 1, 1, 0, 0])
        let nothing = try Buffer<Float>(zeroed: 0)
        return [
            NpzEntry(
                name: "image_scores", layout: try TensorLayout(elementType: ElementType(.float64), shape: [2]),
                owner: scores, range: 8..<24),
            NpzEntry(
                name: "issues", layout: try TensorLayout(elementType: ElementType(.bool), shape: [1, 2, 3]), owner: mask,
                range: 0..<6),
            NpzEntry(
                name: "pixel_scores/000017", layout: try TensorLayout(elementType: ElementType(.float32), shape: [0, 3]),
                owner: nothing, range: 0..<0),
        ]
    }

    @Test(arguments: [UInt64(0xFFFF_FFFE), 100, 0]) func writesArchivesThatAreReadBack(narrowLimit: UInt64) throws {
        let file = bytes(of: try NpzEncoder.archive(of: entries(), narrowLimit: narrowLimit))
        for size in chunkSizes {
            let collector = EntryCollector()
            let decoder = NpzDecoder(receiver: collector, byteLimit: 4096)
            try push(file, by: size) { (chunk) throws(TestFailure) in try decoder.decode(chunk) }
            try decoder.finish()
            #expect(collector.ended == ["image_scores.npy", "issues.npy", "pixel_scores/000017.npy"])
            let scores = try #require(collector.contents["image_scores.npy"])
            #expect(Array(scores.suffix(16)) == [0.25, 0.5].flatMap { withUnsafeBytes(of: $0, Array.init) })
            #expect(collector.contents["issues.npy"]?.suffix(6) == [1, 0, 1, 1, 0, 0])
            #expect(collector.contents["pixel_scores/000017.npy"]?.count == 128)
        }
    }

    @Test func sendsTheArraysFromWhereTheyLie() throws {
        let pieces = try NpzEncoder.archive(of: entries())
        #expect(pieces.allSatisfy { !$0.range.isEmpty })
        #expect(pieces[1].owner is Buffer<Double>)
        #expect(pieces[1].range == 8..<24)
        #expect(pieces[3].owner is Buffer<UInt8>)
        #expect(pieces.count == 6)
    }

    @Test func writesAnEmptyArchive() throws {
        #expect(bytes(of: try NpzEncoder.archive(of: [])) == (try fixture("empty.npz")))
    }

    /// A reader that trusts the directory alone: offsets and sizes there must be those of the entries.
    @Test(arguments: [UInt64(0xFFFF_FFFE), 100, 0]) func writesADirectoryThatAgrees(narrowLimit: UInt64) throws {
        let file = bytes(of: try NpzEncoder.archive(of: entries(), narrowLimit: narrowLimit))
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".npz")
        try Data(file).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let unzip = Process()
        unzip.executableURL = URL(filePath: "/usr/bin/env")
        unzip.arguments = ["python3", "-c", "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())", path.path]
        try unzip.run()
        unzip.waitUntilExit()
        #expect(unzip.terminationStatus == 0)
    }
}
