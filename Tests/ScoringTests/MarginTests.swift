import Glibc
import Memory
import Testing

@testable import Scoring

@Suite struct MarginTests {
    /// Pixels with their label, most probable class, and the probabilities of both.
    private struct Data {
        let space: [Int]
        let imageCount: Int
        var labels: [Int]
        var predicted: [Int]
        var own: [Double]
        var largest: [Double]

        var plane: Int { space.reduce(1, *) }

        /// - Parameters:
        ///   - agreement: Of how many of 10 pixels the label is predicted; 0 for regions that disagree as a whole.
        init(_ imageCount: Int, _ space: [Int], agreement: Int, classCount: Int = 3, seed: UInt64 = 1) {
            (self.imageCount, self.space) = (imageCount, space)
            var numbers = Numbers(seed: seed)
            let count = imageCount * space.reduce(1, *)
            labels = (0..<count).map { _ in Int.random(in: 0..<classCount, using: &numbers) }
            predicted = labels.map { label in
                Int.random(in: 0..<10, using: &numbers) < agreement
                    ? label : (label + Int.random(in: 1..<classCount, using: &numbers)) % classCount
            }
            largest = (0..<count).map { _ in Double(Float.random(in: 0.0001...1, using: &numbers)) }
            own = []
            for pixel in 0..<count {
                own.append(
                    labels[pixel] == predicted[pixel]
                        ? largest[pixel] : Double(Float(largest[pixel] * Double.random(in: 0...1, using: &numbers))))
            }
        }

        func pixels(isDouble: Bool, isWide: Bool) throws -> ScoredPixels {
            let shape = LabelShape(imageCount: imageCount, space: space)
            return ScoredPixels(
                shape: try ScoringShape(labels: shape, classCount: isWide ? 300 : 9),
                labels: LabelMap(shape: shape, codes: try ClassCodes(labels, isWide: isWide), others: [], rule: nil),
                scores: try PixelScores(own, isDouble: isDouble), predicted: try ClassCodes(predicted, isWide: isWide),
                largest: try PixelScores(largest, isDouble: isDouble), blocks: nil)
        }

        /// The scores of images as the documentation defines them.
        func expected(ignored: Int?) -> [Double] {
            let (height, width) = (space.count > 1 ? space[space.count - 2] : 1, space[space.count - 1])
            func disagrees(_ slice: Int, _ y: Int, _ x: Int) -> Bool {
                guard (0..<height).contains(y), (0..<width).contains(x) else { return true }
                let pixel = slice * height * width + y * width + x
                return labels[pixel] != predicted[pixel] && labels[pixel] != ignored
            }
            return (0..<imageCount).map { image in
                let pixels = image * plane..<(image + 1) * plane
                let count = pixels.count { labels[$0] != ignored }
                guard count > 0 else { return 1 }
                var sum = 0.0
                for pixel in pixels {
                    let (slice, place) = pixel.quotientAndRemainder(dividingBy: height * width)
                    let (y, x) = place.quotientAndRemainder(dividingBy: width)
                    let counts = (-1...1).allSatisfy { down in
                        (-1...1).allSatisfy { disagrees(slice, y + down, x + $0) }
                    }
                    if counts { sum += pow(log(max(largest[pixel], 1e-3) / max(own[pixel], 1e-3)), 2) }
                }
                return 1 / (1 + sum / Double(count))
            }
        }
    }

    private static let spaces = [
        [1, 1], [1, 7], [9, 1], [2, 2], [3, 3], [16, 33], [5, 12, 17], [2, 3, 4, 5], [40],
    ]

    @Test(arguments: spaces, [0, 2, 9]) func agreesWithTheDefinition(space: [Int], agreement: Int) throws {
        for ignored in [nil, 1] as [Int64?] {
            let data = Data(3, space, agreement: agreement, seed: UInt64(agreement + 1))
            let expected = data.expected(ignored: ignored.map(Int.init))
            for (isDouble, isWide) in [(false, false), (true, true)] {
                for loop in [ImageLoop.serial, .threads(3, pixelsAtOnce: 1)] {
                    let pixels = try data.pixels(isDouble: isDouble, isWide: isWide)
                    let scores = try #require(try Margin(ignoredLabel: ignored).score([pixels], on: loop))[0]
                    for (found, wanted) in zip(scores.imageScores.values, expected) {
                        #expect(abs(found - wanted) <= 1e-14, "\(space), ignoring \(String(describing: ignored))")
                    }
                }
            }
        }
    }

    /// A mistake of three by three pixels counts where it touches the border, or has a rim that disagrees.
    @Test func toleratesRims() throws {
        func score(_ rows: Range<Int>, _ columns: Range<Int>) throws -> Double {
            var data = Data(1, [8, 8], agreement: 10)
            for row in rows {
                for column in columns {
                    let pixel = row * 8 + column
                    data.predicted[pixel] = (data.labels[pixel] + 1) % 3
                    (data.own[pixel], data.largest[pixel]) = (0.25, 0.5)
                }
            }
            return try #require(
                try Margin().score([data.pixels(isDouble: true, isWide: false)]))[0].imageScores.values[0]
        }
        func expected(_ count: Int) -> Double { 1 / (1 + Double(count) * log(2) * log(2) / 64) }
        #expect(try score(3..<5, 0..<8) == 1)
        #expect(try score(3..<6, 3..<4) == 1)
        #expect(abs(try score(3..<6, 3..<6) - expected(1)) < 1e-15)
        #expect(abs(try score(3..<6, 0..<8) - expected(8)) < 1e-15)
        #expect(abs(try score(0..<2, 0..<2) - expected(1)) < 1e-15)
        #expect(abs(try score(0..<8, 0..<8) - expected(64)) < 1e-15)
    }

    @Test func scoresAnImageThatHasNoPixelsOne() throws {
        var data = Data(2, [4, 4], agreement: 0)
        for pixel in 0..<16 { data.labels[pixel] = 1 }
        let scores = try #require(
            try Margin(ignoredLabel: 1).score([data.pixels(isDouble: false, isWide: false)]))[0]
        #expect(scores.imageScores.values[0] == 1)
        #expect(scores.imageScores.values[1] < 1)
    }

    /// Label issues are those of confident learning, and images of one part count as those of several.
    @Test func findsTheLabelIssuesOfConfidentLearning() throws {
        let data = Data(4, [12, 9], agreement: 6)
        let parts = try [data, Data(2, [5, 7], agreement: 3)].map { try $0.pixels(isDouble: false, isWide: false) }
        let found = try #require(try Margin(ignoredLabel: 2).score(parts))
        let expected = try #require(try ConfidentLearning(ignoredLabel: 2).score(parts))
        for (found, expected) in zip(found, expected) {
            #expect(found.labelIssues?.mask.values == expected.labelIssues?.mask.values)
            #expect(found.labelIssues?.statistics == expected.labelIssues?.statistics)
            #expect(found.pixelScores.values == expected.pixelScores.values)
        }
        let alone = try #require(
            try Margin(ignoredLabel: 2).score([data.pixels(isDouble: false, isWide: false)]))[0]
        #expect(alone.imageScores.values == found[0].imageScores.values)
    }

    @Test func endsWhenItIsNotWanted() throws {
        let data = Data(4, [12, 9], agreement: 6)
        for last in [0, 2] {
            let pixels = try data.pixels(isDouble: false, isWide: false)
            #expect(try Margin().score([pixels], progress: { $0 < last }) == nil)
        }
    }
}
