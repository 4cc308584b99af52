import Codecs
import Foundation
import Testing

@Suite struct JSONNumbersTests {
    private func text<Number: JSONNumber>(_ values: [Number], shape: [Int]) -> String {
        var bytes: [UInt8] = []
        JSONNumbers.append(values.span, shape: shape, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func nestsListsByShape() {
        #expect(text([1, 2, 3, 4, 5, 6], shape: [2, 3]) == "[[1,2,3],[4,5,6]]")
        #expect(text([1, 2, 3, 4], shape: [2, 1, 2]) == "[[[1,2]],[[3,4]]]")
        #expect(text([7], shape: []) == "7")
        #expect(text([Int](), shape: [0]) == "[]")
        #expect(text([Int](), shape: [2, 0]) == "[[],[]]")
    }

    @Test func writesEachType() {
        #expect(
            text([0, 1, -0.0, 0.1, 1e-5, 16777216, .nan, .infinity] as [Float], shape: [8])
                == "[0.0,1.0,-0.0,0.1,1e-05,16777216.0,null,null]")
        #expect(
            text([0.1, 1e22, -.leastNonzeroMagnitude, 0.30000000000000004, -.infinity] as [Double], shape: [5])
                == "[0.1,1e+22,-5e-324,0.30000000000000004,null]")
        #expect(text([true, false], shape: [2]) == "[true,false]")
        #expect(text([Int64.min, .max], shape: [2]) == "[-9223372036854775808,9223372036854775807]")
    }

    @Test func writesMasks() {
        var bytes: [UInt8] = [0x3A]
        JSONNumbers.append(mask: ([1, 0, 255, 0] as [UInt8]).span, shape: [2, 2], to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == ":[[true,false],[true,false]]")
    }

    @Test func writesDoublesThatReadBackTheSame() throws {
        var generator = SeededGenerator(state: 5)
        var values = (0..<20_000).map { _ in Double(bitPattern: generator.next()) }.filter(\.isFinite)
        values += [.greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude, .ulpOfOne, 1.0.nextDown]
        let written = text(values, shape: [values.count]).dropFirst().dropLast().split(separator: ",")
        #expect(written.map { Double($0)?.bitPattern } == values.map(\.bitPattern))
        #expect(written.allSatisfy { $0.utf8.count <= 32 })
    }

    @Test func writesFloatsWithNoMoreDigitsThanTheyNeed() throws {
        var generator = SeededGenerator(state: 6)
        let values = (0..<20_000).map { _ in Float.random(in: 0...1, using: &generator) }
        let written = text(values, shape: [values.count]).dropFirst().dropLast().split(separator: ",")
        #expect(written.map { Float($0)?.bitPattern } == values.map(\.bitPattern))
        let digits = { (number: Substring) in
            String(number.prefix { $0 != "e" }.filter(\.isNumber)).trimmingCharacters(in: ["0"]).count
        }
        // Swift's own description is the shortest too.
        for (value, text) in zip(values, written) { #expect(digits(text) == digits(value.description[...])) }
    }
}
