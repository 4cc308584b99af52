import Memory
import Synchronization
import Testing

@testable import Scoring

@Suite struct ConfidentLearningTests {
    /// Sums of sixteenths are exact, however they are added up, so that what should be equal is.
    private struct Sample {
        let shape: [Int]
        let labels: [Int]
        let probabilities: [Double]

        init(_ shape: [Int], levels: Double = 16, ignored: Int? = nil, seed: UInt64 = 5) {
            self.shape = shape
            var numbers = Numbers(seed: seed)
            let classCount = shape[1]
            labels = (0..<shape[0] * shape[2] * shape[3]).map { _ in
                if let ignored, Int.random(in: 0..<4, using: &numbers) == 0 { return ignored }
                // Nobody has the last of many classes.
                return Int.random(in: 0..<max(classCount - 1, 1), using: &numbers)
            }
            probabilities = (0..<shape.reduce(1, *)).map { _ in
                (Double.random(in: 0...1, using: &numbers) * levels).rounded() / levels
            }
        }

        init(_ shape: [Int], labels: [Int], probabilities: [Double]) {
            (self.shape, self.labels, self.probabilities) = (shape, labels, probabilities)
        }

        /// A class's probabilities, of all images in order.
        func plane(_ classIndex: Int) -> [Double] {
            let plane = shape[2] * shape[3]
            var values: [Double] = []
            for image in 0..<shape[0] {
                let start = (image * shape[1] + classIndex) * plane
                values += probabilities[start..<start + plane]
            }
            return values
        }

        /// Some of the images, taken in.
        func images(_ images: Range<Int>, downsample: Int = 1, ignored: Int? = nil) throws -> ScoredPixels {
            let plane = shape[2] * shape[3]
            let pixels = images.lowerBound * plane..<images.upperBound * plane
            let values = pixels.lowerBound * shape[1]..<pixels.upperBound * shape[1]
            let part = Sample(
                [images.count, shape[1], shape[2], shape[3]], labels: Array(labels[pixels]),
                probabilities: Array(probabilities[values]))
            let array = try FileArray(part.probabilities, shape: part.shape, type: ElementType(.float32))
            let accumulator = try PixelAccumulator(
                labels: part.map(), layout: array.layout, downsample: downsample,
                ignoredLabel: ignored.map { Int64($0) })
            if FilePieces.areInFileOrder(.c, downsample: downsample) { try accumulator.receive(array.bytes.span) }
            return accumulator.finish()
        }

        func map() throws -> LabelMap {
            try LabelMap.reading(
                FileArray(
                    labels.map { .integer(Int64($0)) }, shape: [shape[0], shape[2], shape[3]],
                    type: ElementType(.int32)))
        }

        func reference(downsample: Int = 1, ignored: Int? = nil) -> ConfidentReference {
            ConfidentReference(
                shape: shape, labels: labels, probabilities: probabilities, downsample: downsample, ignored: ignored)
        }

        func score(
            _ type: ElementType = ElementType(.float32), _ order: TensorLayout.Order = .c, downsample: Int = 1,
            ignored: Int? = nil, chunk: Int = 0, bands: Int? = nil, on loop: ImageLoop = .serial
        ) throws -> SegmentationScores {
            let array = try FileArray(probabilities, shape: shape, type: type, order: order)
            let label = ignored.map { Int64($0) }
            let accumulator = try PixelAccumulator(
                labels: map(), layout: array.layout, downsample: downsample, ignoredLabel: label)
            if let bands {
                let all = try accumulator.bands(bands)
                #expect(all.count == bands)
                try array.read(into: all.reversed(), elementsAtOnce: 1021)
            } else if FilePieces.areInFileOrder(order, downsample: downsample) {
                try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            } else {
                try array.read(into: try accumulator.bands(2))
            }
            return try #require(try ConfidentLearning(ignoredLabel: label).score(accumulator.finish(), on: loop))
        }
    }

    private func expect(_ scores: SegmentationScores, _ reference: ConfidentReference, _ comment: Comment) throws {
        let found = try #require(scores.labelIssues)
        #expect(found.statistics.issueCount == reference.issueCount, comment)
        #expect(found.statistics.cellCount == reference.cellCount, comment)
        #expect(found.statistics.thresholds.counts == reference.counts, comment)
        // A block's mean is divided twice, by its size and by its total, and then added to others.
        for (sum, expected) in zip(found.statistics.thresholds.sums, reference.sums) {
            #expect(abs(sum - expected) <= 0x1p-50 * max(expected, 1), comment)
        }
        #expect(found.statistics.cut == reference.cut, comment)
        #expect(found.mask.values == reference.mask, comment)
        #expect(scores.imageScores.values == reference.imageScores, comment)
        let plane = scores.shape.pixelsPerImage
        let counts = (0..<scores.shape.imageCount).map { image in
            reference.mask[image * plane..<(image + 1) * plane].count { $0 == 1 }
        }
        #expect(found.counts.values == counts, comment)
    }

    static let shapes = [
        [1, 1, 1, 1], [3, 1, 2, 2], [1, 2, 1, 7], [2, 2, 7, 1], [2, 3, 5, 9], [1, 5, 16, 17], [3, 12, 9, 5],
        [2, 256, 3, 4], [2, 300, 2, 5], [6, 21, 8, 8],
    ]

    @Test(arguments: shapes, floatTypes) func findsWhatTheDefinitionSays(shape: [Int], type: ElementType) throws {
        let sample = Sample(shape)
        let reference = sample.reference()
        for order in orders {
            for chunk in sample.probabilities.count < 2000 ? [1, 7, 0] : [7, 0] {
                try expect(sample.score(type, order, chunk: chunk), reference, "\(order), chunks of \(chunk)")
            }
        }
    }

    @Test(arguments: [1.0, 2, 4, 1_048_576]) func breaksTiesByImageRowAndColumn(levels: Double) throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            let sample = Sample([3, 3, 6, 7], levels: levels, seed: seed)
            try expect(sample.score(), sample.reference(), "seed \(seed)")
        }
    }

    @Test(arguments: [2, 3, 4, 8], floatTypes) func looksAtBlocks(side: Int, type: ElementType) throws {
        for (images, classes) in [(1, 3), (3, 5), (1, 255), (1, 257)] {
            let sample = Sample([images, classes, classes < 10 && side < 8 ? 2 * side : side, 2 * side])
            let reference = sample.reference(downsample: side)
            for order in orders {
                for chunk in classes < 10 ? [1, 13, 0] : [1021] {
                    try expect(
                        sample.score(type, order, downsample: side, chunk: chunk), reference,
                        "\(classes) classes, \(order), chunks of \(chunk)")
                }
            }
        }
    }

    @Test(arguments: [1, 2, 4], orders) func areTheSameReadInBands(side: Int, order: TensorLayout.Order) throws {
        let sample = Sample([2, 3, 80, 256], ignored: 2)
        let expected = try sample.score(ElementType(.float64), order, downsample: side, ignored: 2)
        for bands in [1, 2, 3, 5] {
            let scores = try sample.score(ElementType(.float64), order, downsample: side, ignored: 2, bands: bands)
            #expect(scores.labelIssues?.mask.values == expected.labelIssues?.mask.values)
            #expect(scores.labelIssues?.statistics == expected.labelIssues?.statistics)
            #expect(scores.pixelScores.values == expected.pixelScores.values)
            #expect(scores.predicted?.values == expected.predicted?.values)
        }
    }

    @Test(arguments: [0, 1, 255, -1, 1000, 70_000], [1, 2, 3])
    func leavesOutTheIgnoredLabel(ignored: Int, side: Int) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            var sample = Sample([3, 4, 2 * side, 2 * side], ignored: ignored, seed: seed)
            if seed == 4 { sample = Sample([3, 4, 2 * side, 2 * side], ignored: ignored, seed: 90) }
            let reference = sample.reference(downsample: side, ignored: ignored)
            for order in orders {
                let scores = try sample.score(ElementType(.float32), order, downsample: side, ignored: ignored)
                try expect(scores, reference, "\(order), seed \(seed)")
                for (score, label) in zip(scores.pixelScores.values, sample.labels) where label == ignored {
                    #expect(score == 1)
                }
            }
        }
    }

    @Test(arguments: [1, 2]) func scoresAnImageOfIgnoredPixelsOne(side: Int) throws {
        let map = try LabelMap.reading(
            FileArray([Double](repeating: 255, count: 8), shape: [2, 2, 2], type: ElementType(.uint8)))
        let array = try FileArray(
            [Double](repeating: 0.5, count: 16), shape: [2, 2, 2, 2], type: ElementType(.float32))
        let accumulator = try PixelAccumulator(
            labels: map, layout: array.layout, downsample: side, ignoredLabel: 255)
        try accumulator.receive(array.bytes.span)
        let scores = try #require(try ConfidentLearning(ignoredLabel: 255).score(accumulator.finish()))
        #expect(scores.imageScores.values == [1, 1])
        #expect(scores.labelIssues?.statistics.cellCount == 0)
        #expect(scores.labelIssues?.statistics.cut == nil)
    }

    /// cleanlab divides zero by zero there, and its threshold for class 0 becomes NaN.
    @Test func takesABlockWithoutAnyProbabilityForZeros() throws {
        let map = try LabelMap.reading(
            FileArray([0, 0, 1, 1, 0, 0, 1, 1], shape: [1, 2, 4], type: ElementType(.uint8)))
        let first = [0, 0, 0.75, 0.75, 0, 0, 0.75, 0.75]
        let second = [0, 0, 0.25, 0.25, 0, 0, 0.25, 0.25]
        let array = try FileArray(first + second, shape: [1, 2, 2, 4], type: ElementType(.float64))
        let accumulator = try PixelAccumulator(labels: map, layout: array.layout, downsample: 2)
        try accumulator.receive(array.bytes.span)
        let found = try #require(try ConfidentLearning().score(accumulator.finish())?.labelIssues)
        #expect(found.statistics.thresholds.values == [2e-6, 0.25])
        #expect(found.statistics.issueCount == 1)
        #expect(found.statistics.cut == Cut(score: 0, countBelow: 0, ties: 1, equalCount: 1))
        #expect(found.mask.values == [0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Images that are scored together decide together: the sums of parts add up to those of the whole, also of numbers
    /// such as thirds, whose sums are rounded.
    @Test func addsUpTheSumsOfParts() throws {
        let whole = Sample([4, 5, 6, 7], levels: 3)
        let half = whole.labels.count / 2
        let thresholds = try [0, 1].map { part in
            let labels = try LabelMap.reading(
                FileArray(
                    whole.labels[part * half..<(part + 1) * half].map { .integer(Int64($0)) }, shape: [2, 6, 7],
                    type: ElementType(.uint8)))
            let array = try FileArray(
                Array(whole.probabilities[part * half * 5..<(part + 1) * half * 5]), shape: [2, 5, 6, 7],
                type: ElementType(.float32))
            let accumulator = try PixelAccumulator(labels: labels, layout: array.layout)
            try accumulator.receive(array.bytes.span)
            let scores = try #require(try ConfidentLearning().score(accumulator.finish()))
            return try #require(scores.labelIssues).statistics.thresholds
        }
        var total = ExactSums(count: 5)
        for (index, parts) in thresholds.flatMap({ $0.parts.enumerated() }) {
            for part in parts { total.add(part, to: index) }
        }
        let expected = try #require(try whole.score().labelIssues).statistics.thresholds
        #expect((0..<5).map { total[$0] } == expected.sums)
        #expect(zip(thresholds[0].counts, thresholds[1].counts).map { $0 + $1 } == expected.counts)
    }

    /// Few levels, so that many scores are at the cut, of which some images have candidates and others none.
    @Test(arguments: [1, 2]) func findsTheSameOnSeveralLanes(side: Int) throws {
        for (seed, ignored) in [(1, nil), (2, 2), (3, nil), (4, 1)] as [(UInt64, Int?)] {
            let sample = Sample([12, 4, 4, 6], levels: 4, ignored: ignored, seed: seed)
            try expect(
                sample.score(downsample: side, ignored: ignored, on: .threads(4, pixelsAtOnce: 24)),
                sample.reference(downsample: side, ignored: ignored), "seed \(seed)")
        }
    }

    /// What comes in parts is found as in one array, whatever cuts it.
    @Test(arguments: [1, 2], [[1, 2, 9], [4, 4, 4], [11, 1], [12]])
    func findsInPartsWhatItFindsInOne(side: Int, counts: [Int]) throws {
        for ignored in [nil, 2] as [Int?] {
            let sample = Sample([12, 4, 4, 6], levels: 4, ignored: ignored, seed: 9)
            let whole = try sample.score(downsample: side, ignored: ignored)
            var parts: [ScoredPixels] = []
            for count in counts {
                let first = parts.reduce(0) { $0 + $1.shape.imageCount }
                parts.append(try sample.images(first..<first + count, downsample: side, ignored: ignored))
            }
            let learning = ConfidentLearning(ignoredLabel: ignored.map { Int64($0) })
            let found = try #require(try learning.score(parts, on: .threads(3, pixelsAtOnce: 24)))
            #expect(found.map(\.shape.imageCount) == counts)
            #expect(found.flatMap { $0.labelIssues?.mask.values ?? [] } == whole.labelIssues?.mask.values)
            #expect(found.flatMap { $0.labelIssues?.counts.values ?? [] } == whole.labelIssues?.counts.values)
            #expect(found.flatMap { $0.imageScores.values } == whole.imageScores.values)
            #expect(found.allSatisfy { $0.labelIssues?.statistics == whole.labelIssues?.statistics })
        }
    }

    /// Images of several sizes decide together.
    @Test func countsOverImagesOfSeveralSizes() throws {
        let samples = [Sample([2, 3, 2, 5], seed: 1), Sample([1, 3, 7, 4], seed: 2), Sample([3, 3, 1, 1], seed: 3)]
        let parts = try samples.map { try $0.images(0..<$0.shape[0]) }
        let found = try #require(try ConfidentLearning().score(parts)).compactMap(\.labelIssues)
        // As one row of pixels, which are the same to it.
        let count = samples.reduce(0) { $0 + $1.labels.count }
        let row = Sample(
            [1, 3, 1, count], labels: samples.flatMap(\.labels),
            probabilities: (0..<3).flatMap { index in samples.flatMap { $0.plane(index) } })
        let expected = row.reference()
        #expect(found.flatMap(\.mask.values) == expected.mask)
        #expect(found[0].statistics.issueCount == expected.issueCount)
        #expect(found[0].statistics.cut == expected.cut)
    }

    @Test(arguments: [false, true]) func stopsWhereProgressSaysSo(onLanes: Bool) throws {
        let sample = Sample([3, 3, 4, 4], levels: 1024)
        let array = try FileArray(sample.probabilities, shape: sample.shape, type: ElementType(.float32))
        let calls = Mutex(0)
        var wanted = 0
        while true {
            let accumulator = try PixelAccumulator(labels: sample.map(), layout: array.layout)
            try accumulator.receive(array.bytes.span)
            calls.withLock { $0 = 0 }
            let limit = wanted
            let loop = onLanes ? ImageLoop.threads(2, pixelsAtOnce: 16) : .serial
            let scores = try ConfidentLearning().score(accumulator.finish(), on: loop) { _ in
                calls.withLock { calls in
                    calls += 1
                    return calls <= limit
                }
            }
            guard scores == nil else { break }
            #expect(calls.withLock { $0 } == wanted + 1)
            wanted += 1
        }
        // Thresholds, n, four digits of the cut and the marks, for each of three images.
        #expect(calls.withLock { $0 } == 21)
    }

    @Test func refusesBlocksThatDoNotFit() throws {
        let sample = Sample([1, 2, 4, 6])
        for downsample in [3, 4, 5, 7, 1 << 40] {
            #expect(throws: ScoringError.downsample(downsample, height: 4, width: 6)) {
                try sample.score(downsample: downsample)
            }
        }
    }

    @Test(arguments: [1, 2]) func refusesALabelThatIsNoClass(side: Int) throws {
        let labels = try LabelMap.reading(FileArray([0, 1, 2, 0], shape: [1, 2, 2], type: ElementType(.uint8)))
        let array = try FileArray([Double](repeating: 0, count: 8), shape: [1, 2, 2, 2], type: ElementType(.float32))
        #expect(
            throws: ScoringError.labelOutOfRange(.integer(2), at: .init(image: 0, row: 1, column: 0), classCount: 2)
        ) {
            let accumulator = try PixelAccumulator(labels: labels, layout: array.layout, downsample: side)
            try accumulator.receive(array.bytes.span)
            _ = try ConfidentLearning().score(accumulator.finish())
        }
    }
}
