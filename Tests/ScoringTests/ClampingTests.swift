import Memory
import Testing

@testable import Scoring

/// Values that rounding has led beyond [0, 1] are taken as if its nearer end had come, by whatever way they come.
@Suite struct ClampingTests {
    private typealias Sample = PixelAccumulatorTests.Sample

    /// Probabilities of which some are beyond the range, and the same brought back into it.
    private struct Rounded {
        let sample: Sample
        let clamped: [Double]
        let count: Int

        /// - Parameters:
        ///   - isRare: Whether most runs have none.
        init(shape: [Int], scalar: ElementType.Scalar, isRare: Bool = false) {
            var sample = Sample(shape: shape, scalar: scalar)
            let plane = shape[2] * shape[3]
            for index in sample.probabilities.indices where index % (isRare ? 97 : 5) == 1 {
                // At most one class of a pixel is above 1: which of several is largest is told by the values as they
                // came.
                let isHigh = index / plane % shape[1] == index % plane % shape[1]
                let values = isHigh ? [1.0000001, 1.000003, 1.0000099] : [-5.9604644775390625e-08, -1e-6, -9.9e-6]
                sample.probabilities[index] = rounded(values[index % 3], to: scalar)
            }
            self.sample = sample
            clamped = sample.probabilities.map { min(max($0, 0), 1) }
            count = zip(sample.probabilities, clamped).count { $0 != $1 }
        }
    }

    private static let shapes = [[1, 1, 1, 1], [3, 2, 8, 4], [2, 3, 6, 10], [1, 300, 2, 4], [2, 4, 16, 34]]

    private func expectSame(_ pixels: [ScoredPixels], as expected: ScoredPixels, _ count: Int) throws {
        let softmin = Softmin(temperature: 0.1)
        let ofExpected = try #require(try softmin.score(expected))
        #expect(expected.clampedCount == 0)
        for found in pixels {
            #expect(found.clampedCount == count)
            #expect(found.predicted == nil || found.predicted?.values == expected.predicted?.values)
            let scores = try #require(try softmin.score(found))
            #expect(scores.pixelScores.values == ofExpected.pixelScores.values)
            #expect(scores.imageScores.values == ofExpected.imageScores.values)
            guard found.predicted != nil else { continue }
            let issues = try #require(try ConfidentLearning().score([found]))[0]
            let ofClamped = try #require(try ConfidentLearning().score([expected]))[0]
            #expect(issues.labelIssues?.mask.values == ofClamped.labelIssues?.mask.values)
            #expect(issues.labelIssues?.statistics == ofClamped.labelIssues?.statistics)
            #expect(issues.imageScores.values == ofClamped.imageScores.values)
        }
    }

    private func pixels(
        _ values: [Double], _ sample: Sample, _ type: ElementType, _ order: TensorLayout.Order, downsample: Int,
        chunk: Int
    ) throws -> ScoredPixels {
        let array = try FileArray(values, shape: sample.shape, type: type, order: order)
        let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout, downsample: downsample)
        if chunk > 0 {
            try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        } else {
            try array.read(into: try accumulator.bands(3))
        }
        return accumulator.finish()
    }

    @Test(arguments: shapes, floatTypes) func ofAllProbabilities(shape: [Int], type: ElementType) throws {
        for isRare in [false, true] {
            let rounded = Rounded(shape: shape, scalar: type.scalar, isRare: isRare)
            for (order, downsample) in [(.c, 1), (.fortran, 1), (.c, 2), (.fortran, 2)] as [(TensorLayout.Order, Int)]
            where shape[3] % downsample == 0 && shape[2] % downsample == 0 {
                let expected = try pixels(
                    rounded.clamped, rounded.sample, type, order, downsample: downsample, chunk: 0)
                let chunks = FilePieces.areInFileOrder(order, downsample: downsample) ? [0, 7, 1 << 20] : [0]
                let found = try chunks.map { chunk in
                    try pixels(
                        rounded.sample.probabilities, rounded.sample, type, order, downsample: downsample, chunk: chunk)
                }
                try expectSame(found, as: expected, rounded.count)
            }
        }
    }

    @Test(arguments: shapes, floatTypes) func ofThoseOfLabels(shape: [Int], type: ElementType) throws {
        let rounded = Rounded(shape: shape, scalar: type.scalar)
        let sample = rounded.sample
        let array = try FileArray(sample.probabilities, shape: shape, type: type)
        let own = try OwnProbabilities(labels: sample.map(), layout: array.layout, ignoredLabel: nil)
        try array.read(into: try own.bands(2))

        // Of one row at a time the classes that are there.
        var (values, ofClamped) = ([Double](), [Double]())
        for (line, first) in stride(from: 0, to: sample.pixelCount, by: shape[3]).enumerated() {
            for index in Set(sample.labels[first..<first + shape[3]]).sorted() {
                let (image, row) = line.quotientAndRemainder(dividingBy: shape[2])
                let start = ((image * shape[1] + index) * shape[2] + row) * shape[3]
                values += sample.probabilities[start..<start + shape[3]]
                ofClamped += rounded.clamped[start..<start + shape[3]]
            }
        }
        let banded = try FileArray(values, shape: [values.count / shape[3], 1, shape[3]], type: type)
        for chunk in [0, 7] {
            let accumulator = try OwnAccumulator(
                labels: sample.map(), layout: banded.layout, classCount: shape[1], ignoredLabel: nil)
            try banded.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            let expected = try pixels(rounded.clamped, sample, type, .c, downsample: 1, chunk: 0)
            try expectSame([accumulator.finish()], as: expected, zip(values, ofClamped).count { $0 != $1 })
            // How many are read of a file depends on where the labels are.
            let ofFile = own.finish()
            #expect(ofFile.clampedCount <= rounded.count)
            try expectSame([ofFile], as: expected, ofFile.clampedCount)
        }
    }

    @Test(
        arguments: [
            ([1.001, 0.5], .roundedProbabilities), ([-0.001, 1.002], .roundedProbabilities),
            ([1.5], .percentagesOrLogits),
            ([55, 45], .percentages), ([100.001, 0], .percentages), ([3, 97], .percentages), ([3, -2], .logits),
            ([-0.5], .logits), ([55, -3], .logits), ([150], .logits), ([.nan, 3], .nothing), ([-.infinity], .nothing),
            ([7, .nan], .percentagesOrLogits), ([7, .infinity], .logits),
        ] as [([Double], ScoringError.Lookalike)])
    func tellsWhatValuesBeyondMayBe(_ valuesAndLookalike: ([Double], ScoringError.Lookalike)) throws {
        let (values, lookalike) = valuesAndLookalike
        #expect(ScoringError.Lookalike(values) == lookalike)
        let array = try FileArray(values, shape: [1, values.count, 1, 1], type: ElementType(.float64))
        let accumulator = try PixelAccumulator(labels: LabelMap.reading([0], array.layout.shape), layout: array.layout)
        let error = #expect(throws: ScoringError.self) { try accumulator.receive(array.bytes.span) }
        guard case .probabilityOutOfRange(_, _, _, let found)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == lookalike)
    }
}
