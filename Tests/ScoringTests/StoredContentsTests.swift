import Foundation
import Testing

@testable import Scoring

/// What a database says of a file of pixels, which may have been damaged, or written by hand.
@Suite struct StoredContentsTests {
    private static func decode(_ changes: [String: Any]) throws -> StoredPixels {
        let shape = ["imageCount": 2, "classCount": 3, "height": 4, "width": 6]
        var members: [String: Any] = [
            "shape": shape, "hasFloat64": false, "hasWideCodes": true, "hasPredicted": true, "others": [Int](),
            "cellSide": 2,
        ]
        members.merge(changes) { _, new in new }
        if let changed = changes["shape"] as? [String: Int] {
            members["shape"] = shape.merging(changed) { _, new in new }
        }
        return try JSONDecoder().decode(StoredPixels.self, from: JSONSerialization.data(withJSONObject: members))
    }

    @Test func readsWhatWasWritten() throws {
        let pixels = try Self.decode([:])
        let data = try JSONEncoder().encode(pixels)
        #expect(try JSONDecoder().decode(StoredPixels.self, from: data) == pixels)
        #expect(pixels.withoutBlocks.byteCount < pixels.byteCount)
    }

    /// Earlier versions wrote the largest probabilities as blocks of one pixel.
    @Test func readsLargestProbabilitiesOfEarlierVersions() throws {
        #expect(try Self.decode(["cellSide": 1]) == Self.decode(["cellSide": 1, "hasLargest": true]))
        #expect(try !Self.decode([:]).hasLargest)
        let (with, without) = (try Self.decode(["cellSide": 1]), try Self.decode(["cellSide": NSNull()]))
        #expect(with.hasLargest && !without.hasLargest)
        #expect(with.withoutBlocks.sizes == without.sizes + [4 * 48])
    }

    @Test(arguments: [
        ("imageCount", 0), ("imageCount", -1), ("imageCount", Int.max), ("height", Int.max), ("width", Int.min),
        ("width", 1 << 49), ("classCount", 0), ("classCount", 65_536),
    ])
    func refusesShapesThatNoImagesHave(name: String, extent: Int) {
        #expect(throws: DecodingError.self) { try Self.decode(["shape": [name: extent]]) }
    }

    @Test(arguments: [0, -1, 3, 4, Int.max])
    func refusesBlocksThatDoNotFit(side: Int) {
        #expect(throws: DecodingError.self) { try Self.decode(["cellSide": side]) }
    }

    @Test func refusesBlocksWhosePixelsCannotBeCounted() throws {
        let shape = ["height": 1 << 16, "width": 1 << 16]
        #expect(try Self.decode(["shape": shape, "cellSide": 1 << 15]).byteCount > 1 << 32)
        #expect(throws: DecodingError.self) { try Self.decode(["shape": shape, "cellSide": 1 << 16]) }
    }

    @Test func takesSumsThatWereWrittenWithoutPartsForExact() throws {
        let text = #"{"sums":[0.1,0],"counts":[1,0]}"#
        let thresholds = try JSONDecoder().decode(ConfidentThresholds.self, from: Data(text.utf8))
        #expect(thresholds.parts == [[0.1], []])
    }

    @Test(arguments: [
        #"{"sums":[1,2],"counts":[1]}"#, #"{"sums":[],"counts":[0]}"#, #"{"sums":[1]}"#,
        #"{"sums":[1],"counts":[1],"parts":[]}"#,
    ])
    func refusesSumsWithoutCounts(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ConfidentThresholds.self, from: Data(text.utf8))
        }
    }
}
