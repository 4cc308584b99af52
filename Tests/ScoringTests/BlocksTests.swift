import Memory
import Testing

@testable import Scoring

/// Blocks of a data set decide as the whole of it does.
@Suite struct BlocksTests {
    /// Random classes and probabilities of few levels, so that many scores are equal.
    private struct Sample {
        let shape: [Int]
        let labels: [Int]
        let probabilities: [Double]

        init(_ shape: [Int], ignored: Int?, seed: UInt64) {
            self.shape = shape
            var numbers = Numbers(seed: seed)
            labels = (0..<shape[0] * shape[2] * shape[3]).map { _ in
                if let ignored, Int.random(in: 0..<4, using: &numbers) == 0 { return ignored }
                return Int.random(in: 0..<shape[1], using: &numbers)
            }
            // Thirds are not exact, so that sums depend on the order unless nothing is rounded.
            probabilities = (0..<shape.reduce(1, *)).map { _ in Double(Int.random(in: 0...3, using: &numbers)) / 3 }
        }

        func pixels(_ images: Range<Int>, _ type: ElementType, downsample: Int, ignored: Int?) throws -> ScoredPixels {
            let (classCount, plane) = (shape[1], shape[2] * shape[3])
            let part = Array(
                probabilities[images.lowerBound * classCount * plane..<images.upperBound * classCount * plane])
            let array = try FileArray(part, shape: [images.count] + shape[1...], type: type)
            let labels = labels[images.lowerBound * plane..<images.upperBound * plane].map {
                LabelValue.integer(Int64($0))
            }
            let map = try LabelMap.reading(
                FileArray(labels, shape: [images.count, shape[2], shape[3]], type: ElementType(.int32)))
            let accumulator = try PixelAccumulator(
                labels: map, layout: array.layout, downsample: downsample, ignoredLabel: ignored.map(Int64.init))
            try accumulator.receive(array.bytes.span)
            return accumulator.finish()
        }
    }

    /// Finds the cut in several blocks by the digits of their scores.
    private static func cut(
        _ blocks: [BlockCells], count: Int, isDouble: Bool
    ) throws -> (score: Double, ties: Int)? {
        guard count > 0 else { return nil }
        var (prefix, below): (UInt64, Int) = (0, 0)
        let width = isDouble ? [16, 16, 15, 15] : [15, 15]
        for index in width.indices {
            let shift = width[(index + 1)...].reduce(0, +)
            var total = [Int](repeating: 0, count: 1 << width[index])
            for block in blocks {
                let counts = try block.histogram(prefix: prefix, shift: shift, width: width[index])
                for value in total.indices { total[value] += Int(counts.span[value]) }
            }
            var value = 0
            while below + total[value] < count {
                below += total[value]
                value += 1
            }
            prefix = prefix << UInt64(width[index]) | UInt64(value)
        }
        return (isDouble ? Double(bitPattern: prefix) : Double(Float(bitPattern: UInt32(prefix))), count - below)
    }

    @Test(
        arguments: [[5, 3, 4, 6], [7, 2, 1, 1], [4, 255, 2, 2], [4, 256, 2, 4], [3, 300, 2, 2]],
        [(nil, 1), (0, 1), (1, 2), (255, 1), (1000, 1), (nil, 2)] as [(Int?, Int)])
    func decideAsTheWholeDoes(shape: [Int], options: (ignored: Int?, side: Int)) throws {
        guard options.ignored ?? shape[1] >= shape[1] || options.ignored ?? 0 < 2 else { return }
        guard shape[2] % options.side == 0, shape[3] % options.side == 0 else { return }
        var numbers = Numbers(seed: 3)
        for type in [ElementType(.float32), ElementType(.float64), ElementType(.float16)] {
            let sample = Sample(shape, ignored: options.ignored, seed: UInt64(shape[0]))
            let all = try sample.pixels(
                0..<shape[0], type, downsample: options.side, ignored: options.ignored)
            let label = options.ignored.map(Int64.init)
            let whole = try #require(try ConfidentLearning(ignoredLabel: label).score([all])?[0])
            let expected = try #require(whole.labelIssues)

            var (blocks, first): ([ReducedBlock], Int) = ([], 0)
            while first < shape[0] {
                let count = Int.random(in: 1...shape[0] - first, using: &numbers)
                let pixels = try sample.pixels(
                    first..<first + count, type, downsample: options.side, ignored: options.ignored)
                blocks.append(try ReducedBlock(pixels, ignoredLabel: label))
                first += count
            }
            var total = ExactSums(count: shape[1])
            for block in blocks.shuffled(using: &numbers) {
                for index in 0..<block.sums.count { total.add(block.sums.span[index], to: index % shape[1]) }
            }
            let sums = (0..<shape[1]).map { total[$0] }
            #expect(sums == expected.statistics.thresholds.sums)

            let thresholds = expected.statistics.thresholds.values
            let count = blocks.reduce(0) { count, block in
                let cells = block.blocks ?? block.pixels
                return count
                    + BlockCells(
                        scores: cells.largest, labels: cells.labels, predicted: cells.predicted,
                        imageCount: block.shape.imageCount, classCount: shape[1]
                    ).countConfident(thresholds: thresholds)
            }
            #expect(count == expected.statistics.issueCount)

            let cells = blocks.map { block in
                let cells = block.blocks ?? block.pixels
                return BlockCells(scores: cells.own, labels: cells.labels, imageCount: block.shape.imageCount)
            }
            let isDouble = type.scalar == .float64 || options.side > 1
            let cut = try Self.cut(cells, count: count, isDouble: isDouble)
            #expect(cut?.score == expected.statistics.cut?.score && cut?.ties == expected.statistics.cut?.ties)
            guard let cut else { continue }
            var (mask, scores, counts, left): ([UInt8], [Double], [Int], Int) = ([], [], [], cut.ties)
            for (block, cells) in zip(blocks, cells) {
                let quota = min(left, cells.countEqual(to: cut.score))
                let marks = try cells.mark(
                    below: cut.score, ties: quota, side: options.side, of: block.shape.labels,
                    labels: block.pixels.labels,
                    predicted: block.pixels.predicted)
                left -= quota
                mask += marks.mask.values
                scores += marks.imageScores.values
                counts += marks.counts.values.map(Int.init)
            }
            #expect(mask == expected.mask.values && scores == whole.imageScores.values)
            #expect(counts == expected.counts.values)
        }
    }

    @Test(arguments: [nil, 1] as [Int?]) func scoreImagesAsTheWholeDoes(ignored: Int?) throws {
        let sample = Sample([3, 4, 9, 11], ignored: ignored, seed: 9)
        let label = ignored.map(Int64.init)
        func all() throws -> ScoredPixels {
            try sample.pixels(0..<3, ElementType(.float32), downsample: 1, ignored: ignored)
        }
        let block = try ReducedBlock(all(), ignoredLabel: label)
        let pixels = try BlockScores(
            of: block.shape.labels, own: block.pixels.own, labels: block.pixels.labels, largest: block.pixels.largest,
            predicted: block.pixels.predicted)
        let softmin = try #require(try Softmin(temperature: 0.2, ignoredLabel: label).score(all()))
        #expect(try pixels.softmin(temperature: 0.2).values == softmin.imageScores.values)
        let margin = try #require(try Margin(ignoredLabel: label).score([all()])?[0])
        #expect(try pixels.margins().values == margin.imageScores.values)
        let issues = try #require(margin.labelIssues)
        for (mask, kind) in [(nil, RegionKind.disagreements), (issues.mask, .labelIssues)] {
            let expected = try #require(
                try Regions(of: kind, in: DatasetScores([margin]), ignoredLabel: label, from: 70))
            #expect(try pixels.regions(of: mask, from: 70).all.values == expected.all.values)
            #expect(expected.all.count > 0)
        }
    }

    @Test func regionsAreOfPixelsThatDisagreeAlone() throws {
        let block = try ReducedBlock(
            Sample([1, 3, 5, 5], ignored: 0, seed: 2).pixels(
                0..<1, ElementType(.float32), downsample: 1, ignored: 0), ignoredLabel: 0)
        let pixels = try BlockScores(
            of: block.shape.labels, own: block.pixels.own, labels: block.pixels.labels, largest: block.pixels.largest,
            predicted: block.pixels.predicted)
        let everything = try Buffer([UInt8](repeating: 1, count: 25))
        #expect(try pixels.regions(of: everything, from: 0).all.values == pixels.regions(of: nil, from: 0).all.values)
    }
}
