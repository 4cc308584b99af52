import Memory
import Testing

@testable import Scoring

/// Values on a grid of their own, however they come, against those of the pixels, made one by one.
@Suite struct SamplingTests {
    private static let interpolations: [Sampling.Interpolation?] = [
        nil, .nearest, .bilinear(alignsCorners: false), .bilinear(alignsCorners: true),
    ]

    /// A type of two bytes, one whose bytes are swapped, and one whose sums are float64.
    private static let types = [
        ElementType(.float16), ElementType(.float32, isByteSwapped: true), ElementType(.float64),
    ]

    /// `(h, w)` of the array, of what counts of it, and `(H, W)`.
    private static let sizes = [
        [[3, 5], [3, 5], [12, 20]], [[9, 7], [8, 5], [4, 6]], [[1, 1], [1, 1], [6, 4]], [[6, 40], [5, 38], [10, 2]],
        [[8, 3], [8, 3], [8, 12]],
    ]

    private struct Sample {
        let array: FileArray
        let labels: [Int]
        let sampling: Sampling
        /// `(N, K, H, W)`, and its elements.
        let shape: [Int]
        let pixels: [Double]

        init(_ sizes: [[Int]], _ interpolation: Sampling.Interpolation?, isChannelsLast: Bool, type: ElementType) throws
        {
            let (images, classes, real) = (2, 3, type.scalar == .float64)
            let (source, valid) = (sizes[0], sizes[1])
            let target = interpolation == nil ? valid : sizes[2]
            var numbers = Numbers(seed: 11)
            let values = (0..<images * classes * source[0] * source[1]).map { _ in
                rounded(Double.random(in: 0...1, using: &numbers), to: type.scalar)
            }
            func value(_ plane: Int, _ row: Int, _ column: Int) -> Double {
                values[(plane * source[0] + row) * source[1] + column]
            }
            shape = [images, classes] + target
            let axes = zip(valid, target).map {
                AxisSampling(count: $0, pixelCount: $1, by: interpolation ?? .nearest, isDouble: real)
            }
            /// A fused sum in the type of the values.
            func mixed(_ lower: Double, _ upper: Double, _ sample: AxisSampling.Sample) -> Double {
                if sample.upperWeight == 0 { return lower }
                if real { return (sample.upperWeight * upper).addingProduct(sample.lowerWeight, lower) }
                return Double(
                    (Float(sample.upperWeight) * Float(upper)).addingProduct(Float(sample.lowerWeight), Float(lower)))
            }
            pixels = (0..<images * classes).flatMap { plane in
                (0..<target[0]).flatMap { row in
                    (0..<target[1]).map { column in
                        let (rows, columns) = (axes[0].sample(at: row), axes[1].sample(at: column))
                        let sides = [rows.lower, rows.upper].map {
                            mixed(value(plane, $0, columns.lower), value(plane, $0, columns.upper), columns)
                        }
                        return mixed(sides[0], sides[1], rows)
                    }
                }
            }
            let plane = source[0] * source[1]
            let inOrder =
                !isChannelsLast
                ? values
                : values.indices.map { index in
                    let (pixel, channel) = index.quotientAndRemainder(dividingBy: classes)
                    return values[(pixel / plane * classes + channel) * plane + pixel % plane]
                }
            let extents = isChannelsLast ? [images] + source + [classes] : [images, classes] + source
            array = try FileArray(inOrder, shape: extents, type: type)
            sampling = Sampling(
                isChannelsLast: isChannelsLast,
                valid: valid == source ? nil : Sampling.Valid(height: valid[0], width: valid[1]),
                interpolation: interpolation)
            labels = (0..<images * target[0] * target[1]).map { _ in Int.random(in: 0..<classes, using: &numbers) }
        }

        func accumulator(_ activation: Activation, _ downsample: Int) throws -> PixelAccumulator {
            try PixelAccumulator(
                labels: LabelMap.reading(labels, shape), layout: array.layout, activation: activation,
                sampling: sampling, downsample: downsample)
        }

        /// What the pixels' own values give.
        func expected(_ activation: Activation, _ downsample: Int) throws -> ScoredPixels {
            let scalar: ElementType.Scalar = array.layout.elementType.scalar == .float64 ? .float64 : .float32
            let whole = try FileArray(pixels, shape: shape, type: ElementType(scalar))
            let accumulator = try PixelAccumulator(
                labels: LabelMap.reading(labels, shape), layout: whole.layout, activation: activation,
                downsample: downsample)
            try whole.read(into: accumulator.bands(1))
            return accumulator.finish()
        }
    }

    @Test(arguments: sizes, [false, true]) func valuesComeToTheirPixels(sizes: [[Int]], isChannelsLast: Bool) throws {
        for interpolation in Self.interpolations {
            for type in Self.types {
                let sample = try Sample(sizes, interpolation, isChannelsLast: isChannelsLast, type: type)
                try expectSame(sample, .identity, downsample: 1)
                try expectSame(sample, Activation(.softmax), downsample: 1)
            }
        }
    }

    @Test(arguments: interpolations) func bandsHaveRowsInCommon(interpolation: Sampling.Interpolation?) throws {
        for isChannelsLast in [false, true] {
            let sizes = [[66, 90], [64, 90], [128, 30]]
            let sample = try Sample(sizes, interpolation, isChannelsLast: isChannelsLast, type: ElementType(.float32))
            try expectSame(sample, .identity, downsample: 1, chunks: [1000])
        }
    }

    @Test(arguments: [false, true], [Activation.identity, Activation(.softmax)])
    func blocksAreOfPixels(isChannelsLast: Bool, activation: Activation) throws {
        for interpolation in Self.interpolations {
            let sizes = interpolation == nil ? [[9, 7], [8, 6], [8, 6]] : [[5, 7], [5, 6], [12, 16]]
            let sample = try Sample(
                sizes, interpolation, isChannelsLast: isChannelsLast, type: ElementType(.float32))
            try expectSame(sample, activation, downsample: 2)
        }
    }

    private func expectSame(
        _ sample: Sample, _ activation: Activation, downsample: Int, chunks: [Int] = [5, 0]
    ) throws {
        let expected = try sample.expected(activation, downsample)
        var ways: [ScoredPixels] = []
        if FilePieces.areInFileOrder(.c, downsample: downsample, activation) {
            for chunk in chunks {
                let accumulator = try sample.accumulator(activation, downsample)
                try sample.array.forEachChunk(of: chunk) { bytes throws(ScoringError) in
                    try accumulator.receive(bytes)
                }
                #expect(accumulator.imagesDone == 2)
                ways.append(accumulator.finish())
            }
        }
        for count in [1, 3] {
            let accumulator = try sample.accumulator(activation, downsample)
            try sample.array.read(into: accumulator.bands(count))
            ways.append(accumulator.finish())
        }
        let whole = expected.scores.values
        for pixels in ways {
            #expect(pixels.scores.values == whole)
            #expect(pixels.predicted?.values == expected.predicted?.values)
            #expect(pixels.blocks?.scores.values == expected.blocks?.scores.values)
            #expect(pixels.blocks?.largest.values == expected.blocks?.largest.values)
        }
    }

    @Test func bandsReadTheRowsThatTheirPixelsAreMadeOf() throws {
        let sizes = [[64, 300], [64, 300], [256, 1200]]
        let sample = try Sample(
            sizes, .bilinear(alignsCorners: false), isChannelsLast: false, type: ElementType(.float32))
        let bands = try sample.accumulator(.identity, 1).bands(2)
        #expect(bands.count == 2)
        let rows = bands.map { band in band.pieces.first { _ in true }.map { $0.bytes.count / 1200 } }
        #expect(rows == [33, 33])
    }

    @Test func whatCannotBeSampledIsRefused() throws {
        let labels = try LabelMap.reading(Array(repeating: 0, count: 24), [1, 2, 4, 6])
        func make(_ shape: [Int], _ sampling: Sampling, order: TensorLayout.Order = .c) throws {
            let layout = try TensorLayout(elementType: ElementType(.float32), shape: shape, order: order)
            _ = try PixelAccumulator(labels: labels, layout: layout, sampling: sampling)
        }
        let bilinear = Sampling(interpolation: .bilinear(alignsCorners: false))
        let wide = Sampling(valid: Sampling.Valid(height: 3, width: 7), interpolation: .nearest)
        #expect(throws: ScoringError.validExtents(.predictedProbabilities, valid: [3, 7], actual: [3, 6])) {
            try make([1, 2, 3, 6], wide)
        }
        #expect(throws: ScoringError.fortranOrder(.predictedProbabilities)) {
            try make([1, 2, 3, 6], bilinear, order: .fortran)
        }
        #expect(throws: ScoringError.emptyArray(.predictedProbabilities, shape: [1, 2, 0, 6])) {
            try make([1, 2, 0, 6], bilinear)
        }
        #expect(throws: ScoringError.rank(.predictedProbabilities, expected: 4, shape: [2, 3, 6])) {
            try make([2, 3, 6], bilinear)
        }
        #expect(
            throws: ScoringError.shapeMismatch(.predictedProbabilities, expected: [1, 6, 4, 6], actual: [1, 6, 2, 3])
        ) {
            try make([1, 2, 3, 6], Sampling(isChannelsLast: true))
        }
    }
}
