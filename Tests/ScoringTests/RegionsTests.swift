import Glibc
import Memory
import Testing

@testable import Scoring

@Suite struct RegionsTests {
    /// Masks of every kind that a region's shape may have.
    enum Style: String, CaseIterable, Sendable {
        case noise, dense, stripes, columns, checkerboard, spiral, comb, full, empty, blobs
    }

    private static let sizes = [[1, 1], [1, 23], [19, 1], [2, 2], [12, 17], [33, 40]]

    /// Whether each pixel disagrees with its label.
    private static func mask(_ style: Style, height: Int, width: Int, _ numbers: inout Numbers) -> [Bool] {
        var mask = [Bool](repeating: false, count: height * width)
        for y in 0..<height {
            for x in 0..<width {
                mask[y * width + x] =
                    switch style {
                    case .noise: Int.random(in: 0..<3, using: &numbers) == 0
                    case .dense: Int.random(in: 0..<8, using: &numbers) > 0
                    case .stripes: y % 3 != 2
                    case .columns: x % 2 == 0
                    case .checkerboard: (x + y) % 2 == 0
                    // Rings, each of which is open at one place, so that all are one.
                    case .spiral:
                        min(min(x, y), min(width - 1 - x, height - 1 - y)) % 2 == 0 || (x == y + 1 && x < width / 2)
                    case .comb: x % 2 == 0 || y == height - 1
                    case .full: true
                    case .empty: false
                    case .blobs: sin(Double(x) / 3) + cos(Double(y) / 4) > 0.3
                    }
            }
        }
        return mask
    }

    @Test func imagesWithRegionsHavePlacesOf32Bits() {
        #expect(LabelShape(imageCount: 3, space: [65_535, 65_537]).canHaveRegions)
        #expect(!LabelShape(imageCount: 1, space: [65_536, 65_536]).canHaveRegions)
        #expect(!LabelShape(imageCount: 1, space: [2, 65_536, 65_536]).canHaveRegions)
    }

    private struct Sample {
        let shape: LabelShape
        let labels: [Int]
        let predicted: [Int]
        let own: [Double]
        let largest: [Double]

        init(_ style: Style, _ images: Int, _ space: [Int], classCount: Int, seed: UInt64) {
            var numbers = Numbers(seed: seed)
            shape = LabelShape(imageCount: images, space: space)
            let (height, width) = (shape.height, shape.width)
            let mask = (0..<images).flatMap { _ in
                RegionsTests.mask(style, height: height, width: width, &numbers)
            }
            // Few pairs, so that neighbours often are of one.
            labels = mask.map { _ in Int.random(in: 0..<6, using: &numbers) == 0 ? classCount - 1 : 0 }
            predicted = zip(labels, mask).map { label, disagrees in disagrees ? (label == 0 ? 1 : 0) : label }
            largest = mask.map { _ in Double(Float.random(in: 0.4...1, using: &numbers)) }
            own = zip(largest, mask).map { largest, disagrees in disagrees ? Double(Float(largest / 3)) : largest }
        }

        func scores(isDouble: Bool) throws -> SegmentationScores {
            let isWide = labels.contains { $0 > 254 }
            return SegmentationScores(
                shape: try ScoringShape(labels: shape, classCount: isWide ? 300 : 4),
                imageScores: try Buffer([Double](repeating: 1, count: shape.imageCount)),
                pixelScores: try PixelScores(own, isDouble: isDouble),
                labels: LabelMap(shape: shape, codes: try ClassCodes(labels, isWide: isWide), others: [], rule: nil),
                predicted: try ClassCodes(predicted, isWide: isWide),
                largest: try PixelScores(largest, isDouble: isDouble),
                labelIssues: nil)
        }

        /// The regions of the pixels that are wanted, by walking from each pixel to its neighbours.
        func expected(ignored: Int?, where isWanted: (Int) -> Bool) -> [Region] {
            let (plane, width, sliceHeight) = (shape.pixelsPerImage, shape.width, shape.sliceHeight)
            func disagrees(_ pixel: Int) -> Bool { labels[pixel] != predicted[pixel] && labels[pixel] != ignored }
            /// The pixels around one, itself included; nil for those outside of the slice.
            func around(_ pixel: Int) -> [Int?] {
                let (y, x) = (pixel / width, pixel % width)
                return (-1...1).flatMap { down in
                    (-1...1).map { across in
                        let row = y % sliceHeight + down
                        guard (0..<sliceHeight).contains(row), (0..<width).contains(x + across) else { return nil }
                        return pixel + down * width + across
                    }
                }
            }
            var regionOf = [Int?](repeating: nil, count: shape.pixelCount)
            var regions: [[Int]] = []
            for start in 0..<shape.pixelCount where disagrees(start) && isWanted(start) && regionOf[start] == nil {
                regionOf[start] = regions.count
                var (pixels, next) = ([start], 0)
                while next < pixels.count {
                    for case let other? in around(pixels[next])
                    where disagrees(other) && isWanted(other) && regionOf[other] == nil
                        && labels[other] == labels[start] && predicted[other] == predicted[start]
                    {
                        regionOf[other] = regions.count
                        pixels.append(other)
                    }
                    next += 1
                }
                regions.append(pixels.sorted())
            }
            return regions.map { pixels in
                let first = pixels[0]
                var mass = 0.0
                for pixel in pixels where around(pixel).allSatisfy({ $0.map(disagrees) ?? true }) {
                    mass += pow(log(largest[pixel] / own[pixel]), 2)
                }
                // How often the region can be eroded until nothing is left.
                var (rest, thickness) = (Set(pixels), 0)
                while !rest.isEmpty {
                    let all = rest
                    rest = rest.filter { around($0).allSatisfy { $0.map(all.contains) ?? false } }
                    thickness += 1
                }
                let columns = pixels.map { $0 % width }
                return Region(
                    own: pixels.reduce(0) { $0 + own[$1] }, largest: pixels.reduce(0) { $0 + largest[$1] }, mass: mass,
                    firstPixel: first % plane, area: pixels.count, image: UInt32(first / plane),
                    left: UInt32(columns.min() ?? 0), right: UInt32((columns.max() ?? 0) + 1),
                    bottom: UInt32(pixels[pixels.count - 1] % plane / width + 1), side: UInt32(2 * thickness),
                    given: UInt16(labels[first]), suggested: UInt16(predicted[first]))
            }
        }
    }

    private func expectSame(_ found: Regions, _ expected: [Region], _ comment: Comment) {
        #expect(found.all.count == expected.count, comment)
        guard found.all.count == expected.count else { return }
        for (index, wanted) in expected.enumerated() {
            let region = found.all.span[index]
            #expect(region.thickness == wanted.thickness, comment)
            for (sum, wantedSum) in [
                (region.own, wanted.own), (region.largest, wanted.largest), (region.mass, wanted.mass),
            ] {
                #expect(abs(sum - wantedSum) <= 1e-12 * max(1, wantedSum), comment)
            }
            var same = wanted
            (same.own, same.largest, same.mass, same.side) = (region.own, region.largest, region.mass, region.side)
            #expect(region == same, comment)
        }
    }

    @Test(arguments: Style.allCases, sizes) func areThoseOfAWalk(style: Style, size: [Int]) throws {
        for (seed, classCount) in [3, 4, 300].enumerated() {
            let sample = Sample(style, 3, size, classCount: classCount, seed: UInt64(seed))
            for ignored in [nil, classCount - 1] {
                let expected = sample.expected(ignored: ignored) { _ in true }
                for (isDouble, loop) in [(false, ImageLoop.serial), (true, .threads(3, pixelsAtOnce: 1))] {
                    let scores = DatasetScores([try sample.scores(isDouble: isDouble)])
                    let found = try #require(
                        try Regions(of: .disagreements, in: scores, ignoredLabel: ignored.map(Int64.init), on: loop))
                    expectSame(found, expected, "\(style), \(size), K = \(classCount)")
                }
            }
        }
    }

    @Test(arguments: Style.allCases) func ofVolumesAreThoseOfTheirSlices(style: Style) throws {
        for space in [[4, 5, 7], [2, 3, 6, 5], [1, 1, 9]] {
            let sample = Sample(style, 2, space, classCount: 3, seed: 7)
            let scores = DatasetScores([try sample.scores(isDouble: false)])
            let found = try #require(try Regions(of: .disagreements, in: scores, ignoredLabel: nil))
            expectSame(found, sample.expected(ignored: nil) { _ in true }, "\(style), \(space)")
        }
    }

    @Test(arguments: Style.allCases) func belowAThresholdAreOfThesePixelsAlone(style: Style) throws {
        let sample = Sample(style, 2, [21, 30], classCount: 3, seed: 3)
        let scores = DatasetScores([try sample.scores(isDouble: true)])
        for threshold in [0, 0.2, 1] {
            let found = try #require(try Regions(of: .issues(threshold: threshold), in: scores, ignoredLabel: nil))
            expectSame(found, sample.expected(ignored: nil) { sample.own[$0] < threshold }, "below \(threshold)")
        }
    }

    /// Images of several parts are counted over all of them.
    @Test func ofLabelIssuesAreCountedOverAllParts() throws {
        let samples = [
            Sample(.blobs, 2, [21, 30], classCount: 3, seed: 4), Sample(.noise, 3, [9, 8], classCount: 4, seed: 5),
        ]
        let parts = try samples.map { sample in
            let scores = try sample.scores(isDouble: false)
            return ScoredPixels(
                shape: try ScoringShape(labels: sample.shape, classCount: 4), labels: scores.labels,
                scores: scores.pixelScores, predicted: scores.predicted, largest: scores.largest, blocks: nil)
        }
        let found = try #require(try ConfidentLearning().score(parts))
        let regions = try #require(try Regions(of: .labelIssues, in: DatasetScores(found), ignoredLabel: nil))
        var expected: [Region] = []
        for (part, sample) in samples.enumerated() {
            let mask = try #require(found[part].labelIssues?.mask.values)
            expected += sample.expected(ignored: nil) { mask[$0] == 1 }.map { region in
                Region(
                    own: region.own, largest: region.largest, mass: region.mass, firstPixel: region.firstPixel,
                    area: region.area, image: region.image + (part == 0 ? 0 : 2), left: region.left,
                    right: region.right, bottom: region.bottom, side: region.side, given: region.given,
                    suggested: region.suggested)
            }
        }
        #expect(expected.count > 10)
        expectSame(regions, expected, "two parts")
    }

    @Test func takeSixtyFourBytes() {
        #expect(MemoryLayout<Region>.stride == 64)
    }

    @Test func endWhenTheyAreNotWanted() throws {
        let scores = DatasetScores([try Sample(.noise, 4, [9, 8], classCount: 4, seed: 5).scores(isDouble: false)])
        #expect(try Regions(of: .disagreements, in: scores, ignoredLabel: nil, progress: { $0 < 2 }) == nil)
    }
}
