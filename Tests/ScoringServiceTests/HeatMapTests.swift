import HTTPTypes
import Memory
import Testing

@testable import ScoringService

@Suite struct HeatMapTests {
    private static func pixels<Score: BinaryFloatingPoint & BitwiseCopyable>(_ scores: [Score]) throws -> [UInt8] {
        let pixels = try HeatMap.pixels(scores.span)
        return pixels.span.indices.map { pixels.span[$0] }
    }

    @Test func isDarkWhereTheModelAgreesAndBrightWhereItDoesNot() throws {
        let scores: [Float] = [1, 0, -0.0]
        #expect(try Self.pixels(scores) == [0, 0, 4, 252, 255, 164, 252, 255, 164])
        let wide: [Double] = [1, 0, -0.0, 1.0.nextDown, Double.leastNonzeroMagnitude]
        #expect(try Self.pixels(wide) == [0, 0, 4, 252, 255, 164, 252, 255, 164, 0, 0, 4, 252, 255, 164])
    }

    @Test func drawsWhatIsNoProbability() throws {
        let scores: [Double] = [.nan, -.nan, .infinity, -.infinity, 1.5, -3, .greatestFiniteMagnitude]
        let (dark, bright): ([UInt8], [UInt8]) = ([0, 0, 4], [252, 255, 164])
        let expected = [bright, bright, dark, bright, dark, bright, dark].flatMap { $0 }
        #expect(try Self.pixels(scores) == expected)
        let narrow = scores.map { Float($0) }
        #expect(try Self.pixels(narrow) == expected)
    }

    @Test func growsBrighterWithDoubt() throws {
        let scores = (0...255).map { 1 - Double($0) / 255 }
        let pixels = try Self.pixels(scores)
        let weights = [0.2126, 0.7152, 0.0722]
        let brightness = (0..<256).map { (index: Int) -> Double in
            (0..<3).reduce(0.0) { $0 + weights[$1] * Double(pixels[3 * index + $1]) }
        }
        // Rounding to whole colours takes a little back here and there.
        #expect(zip(brightness, brightness.dropFirst()).allSatisfy { $0 - 1 < $1 })
        #expect(try Self.pixels([Double]()).isEmpty)
    }
}
