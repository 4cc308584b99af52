import Foundation
import Memory
import Testing

@testable import Scoring

/// The scores that cleanlab 2.9.0 gives; `Fixtures/make_goldens.py` wrote them.
@Suite struct GoldenTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let temperature: Double
        let threshold: Double
        let ignoredLabel: Int64?
        let downsample: Int
        let numIssues: Int
        let confidentThresholds: [Double]
        let cut: Cut?

        struct Cut: Decodable {
            let score: Double
            let below: Int
            let ties: Int
        }

        var testDescription: String { name }
    }

    static let cases: [Case] = {
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode([Case].self, from: Data(contentsOf: url("cases.json")))
        } catch {
            Issue.record(error)
            return []
        }
    }()

    private static func url(_ file: String) -> URL {
        Bundle.module.bundleURL.appending(path: "Fixtures").appending(path: file)
    }

    /// The elements of a C-order array in this machine's byte order.
    private func elements<Element: BitwiseCopyable>(_ array: FileArray, as: Element.Type) -> [Element] {
        precondition(array.layout.order == .c && !array.layout.elementType.isByteSwapped)
        return array.bytes.withUnsafeBytes { source in
            (0..<array.layout.elementCount).map {
                source.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
            }
        }
    }

    /// Reads the headers that `np.save` writes, and no others.
    private func read(_ testCase: Case, _ name: String) throws -> FileArray {
        let data = [UInt8](try Data(contentsOf: Self.url("\(testCase.name).\(name).npy")))
        let headerSize = Int(data[8]) + Int(data[9]) << 8
        let header = String(decoding: data[10..<10 + headerSize], as: UTF8.self)
        let description = try #require(header.firstMatch(of: /'descr': '([<>|])([a-z][0-9])'/))
        let scalars: [Substring: ElementType.Scalar] = [
            "b1": .bool, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8, "u2": .uint16,
            "u4": .uint32, "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64,
        ]
        let extents = try #require(header.firstMatch(of: /'shape': \(([0-9, ]*)\)/))
        let scalar = try #require(scalars[description.output.2])
        let type = ElementType(scalar, isByteSwapped: description.output.1 == ">")
        let shape = extents.output.1.matches(of: /[0-9]+/).compactMap { Int($0.output) }
        let order: TensorLayout.Order = header.contains("'fortran_order': True") ? .fortran : .c
        let layout = try TensorLayout(elementType: type, shape: shape, order: order)
        let bytes = data.dropFirst(10 + headerSize)
        #expect(bytes.count == layout.byteCount)
        return FileArray(layout: layout, bytes: [UInt8](bytes))
    }

    @Test func thereAreCases() {
        #expect(Self.cases.count >= 25)
    }

    @Test(arguments: cases, [0, 1000]) func findsTheLabelIssuesThatCleanlabFinds(testCase: Case, chunk: Int) throws {
        let probabilities = try read(testCase, "pred_probs")
        let accumulator = try PixelAccumulator(
            labels: LabelMap.reading(try read(testCase, "labels")), layout: probabilities.layout,
            downsample: testCase.downsample, ignoredLabel: testCase.ignoredLabel)
        if FilePieces.areInFileOrder(probabilities.layout.order, downsample: testCase.downsample) {
            try probabilities.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        } else {
            try probabilities.read(into: try accumulator.bands(2))
        }
        let learning = ConfidentLearning(ignoredLabel: testCase.ignoredLabel)
        let scores = try #require(try learning.score(accumulator.finish()))
        let found = try #require(scores.labelIssues)

        #expect(found.statistics.issueCount == testCase.numIssues)
        #expect(found.mask.values == elements(try read(testCase, "label_issues"), as: UInt8.self))
        #expect(scores.imageScores.values == elements(try read(testCase, "issue_image_scores"), as: Double.self))
        // Sums of up to 10⁴ float64 terms.
        for (value, expected) in zip(found.statistics.thresholds.values, testCase.confidentThresholds) {
            #expect(abs(value - expected) <= 1e-12 * expected)
        }
        #expect(found.statistics.thresholds.values.count == testCase.confidentThresholds.count)
        #expect(found.statistics.cut?.countBelow == testCase.cut?.below)
        #expect(found.statistics.cut?.ties == testCase.cut?.ties)
        if let cut = found.statistics.cut, let expected = testCase.cut {
            // A block's score is divided twice.
            #expect(abs(cut.score - expected.score) <= 0x1p-51)
        }
    }

    @Test(arguments: cases, [0, 1000]) func scoresAsCleanlabDoes(testCase: Case, chunk: Int) throws {
        let labels = try read(testCase, "labels")
        let probabilities = try read(testCase, "pred_probs")

        let accumulator = try PixelAccumulator(
            labels: LabelMap.reading(labels, chunk: chunk), layout: probabilities.layout)
        try probabilities.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        let softmin = Softmin(temperature: testCase.temperature, ignoredLabel: testCase.ignoredLabel)
        let scores = try #require(try softmin.score(accumulator.finish()))

        let pixelScores = try read(testCase, "pixel_scores")
        let expected: [Double]
        // Two sums of up to 10⁶ float64 terms agree to 1e-9; 2e-6 is ten float32 steps at a score of 1, and lets
        // exponents be taken in float32 for scores that have no more digits.
        let tolerance: Double
        if pixelScores.layout.elementType.scalar == .float64 {
            expected = elements(pixelScores, as: Double.self)
            tolerance = 1e-9
        } else {
            expected = elements(pixelScores, as: Float.self).map { Double($0) }
            tolerance = 2e-6
        }
        #expect(scores.pixelScores.elementType == pixelScores.layout.elementType)
        #expect(scores.pixelScores.values == expected)

        let imageScores = elements(try read(testCase, "image_scores"), as: Double.self)
        #expect(scores.imageScores.count == imageScores.count)
        for (found, expected) in zip(scores.imageScores.values, imageScores) {
            #expect(abs(found - expected) <= tolerance)
        }

        let issues = IssuesFromScores(threshold: testCase.threshold)
        let mask = elements(try read(testCase, "issues"), as: UInt8.self)
        let pixels = 0..<scores.pixelScores.count
        #expect(try issues.mask(scores.pixelScores, pixels).values == mask)
        #expect(issues.count(scores.pixelScores, pixels) == mask.count { $0 == 1 })
    }
}
