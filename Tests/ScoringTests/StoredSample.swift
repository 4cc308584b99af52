import Files
import Memory
import Synchronization
import Testing

@testable import Scoring

/// Images to be stored before they are scored, or after.
struct StoredSample: CustomTestStringConvertible, Sendable {
    var classCount = 4
    var scalar = ElementType.Scalar.float32
    var downsample = 1
    var ignored: Int64?

    var testDescription: String {
        "K = \(classCount), \(scalar), blocks of \(downsample), ignoring \(ignored.map(String.init) ?? "nothing")"
    }

    private static let shape = (images: 3, height: 6, width: 8)

    static let all = [4, 255, 300].flatMap { classCount in
        [ElementType.Scalar.float32, .float64].flatMap { scalar in
            [1, 2].flatMap { downsample in
                [nil, 1, -1, 70_000].map { ignored in
                    StoredSample(classCount: classCount, scalar: scalar, downsample: downsample, ignored: ignored)
                }
            }
        }
    }

    private func labels() throws -> LabelMap {
        var numbers = Numbers(seed: 11)
        let shape = Self.shape
        let values = (0..<shape.images * shape.height * shape.width).map { _ in
            let label = Int64(Int.random(in: 0..<classCount, using: &numbers))
            return LabelValue.integer(Int.random(in: 0..<4, using: &numbers) == 0 ? ignored ?? label : label)
        }
        return try LabelMap.reading(
            FileArray(values, shape: [shape.images, shape.height, shape.width], type: ElementType(.int32)))
    }

    /// By type and number of classes; kept, since under the sanitizers to make them takes longer than the tests.
    private static let arrays = Mutex<[ElementType.Scalar: [Int: FileArray]]>([:])

    private func probabilities() throws -> FileArray {
        try Self.arrays.withLock { arrays in
            if let array = arrays[scalar]?[classCount] { return array }
            var numbers = Numbers(seed: 12)
            let shape = [Self.shape.images, classCount, Self.shape.height, Self.shape.width]
            let values = (0..<shape.reduce(1, *)).map { _ in Double.random(in: 0...1, using: &numbers) }
            let array = try FileArray(values, shape: shape, type: ElementType(scalar))
            arrays[scalar, default: [:]][classCount] = array
            return array
        }
    }

    /// The pixels, made anew each time, since scoring writes to them.
    func pixels() throws -> ScoredPixels {
        let array = try probabilities()
        let accumulator = try PixelAccumulator(
            labels: labels(), layout: array.layout, downsample: downsample, ignoredLabel: ignored)
        if FilePieces.areInFileOrder(array.layout.order, downsample: downsample) {
            try accumulator.receive(array.bytes.span)
        } else {
            try array.read(into: try accumulator.bands(2))
        }
        return accumulator.finish()
    }

    /// The pixels as they are where only the probabilities of labels were looked at.
    func ownPixels() throws -> ScoredPixels {
        let array = try probabilities()
        let own = try OwnProbabilities(labels: labels(), layout: array.layout, ignoredLabel: ignored)
        try array.read(into: try own.bands(2))
        return own.finish()
    }

    func softmin(_ pixels: consuming ScoredPixels) throws -> SegmentationScores {
        try #require(try Softmin(temperature: 0.1, ignoredLabel: ignored).score(pixels))
    }

    func labelIssues(_ pixels: ScoredPixels) throws -> SegmentationScores {
        try #require(try ConfidentLearning(ignoredLabel: ignored).score(pixels))
    }

    /// Writes pixels that were settled to a file.
    ///
    /// - Returns: What is in it.
    func store(_ pixels: ScoredPixels, at path: String) throws -> StoredPixels {
        var pixels = pixels
        try pixels.settle(ignoredLabel: ignored)
        let (contents, arrays) = pixels.stored
        try ArrayFile.write(arrays, to: path)
        return contents
    }
}

/// Expects scores to be the same to the last bit.
func expectSame(
    _ found: SegmentationScores, _ expected: SegmentationScores, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
    #expect(
        found.imageScores.values.map(\.bitPattern) == expected.imageScores.values.map(\.bitPattern),
        sourceLocation: sourceLocation)
    #expect(found.pixelScores.elementType == expected.pixelScores.elementType, sourceLocation: sourceLocation)
    #expect(
        found.pixelScores.values.map(\.bitPattern) == expected.pixelScores.values.map(\.bitPattern),
        sourceLocation: sourceLocation)
    #expect(found.labels.shape == expected.labels.shape, sourceLocation: sourceLocation)
    #expect(found.labels.codeValues == expected.labels.codeValues, sourceLocation: sourceLocation)
    #expect(found.labels.others == expected.labels.others, sourceLocation: sourceLocation)
    #expect(found.predicted?.values == expected.predicted?.values, sourceLocation: sourceLocation)
    #expect(found.labelIssues?.mask.values == expected.labelIssues?.mask.values, sourceLocation: sourceLocation)
    #expect(found.labelIssues?.counts.values == expected.labelIssues?.counts.values, sourceLocation: sourceLocation)
    #expect(found.labelIssues?.statistics == expected.labelIssues?.statistics, sourceLocation: sourceLocation)
    #expect(found.byteCount == expected.byteCount, sourceLocation: sourceLocation)
}
