import Testing

@testable import Scoring

@Suite struct ExactSumsTests {
    /// The sum of numbers, rounded once: Shewchuk's expansion of numbers that do not overlap, as in CPython's `math.fsum`.
    ///
    /// - SeeAlso: python/cpython `Modules/mathmodule.c`, `math_fsum`.
    private static func fsum(_ values: [Double]) -> Double {
        var partials: [Double] = []
        for value in values {
            var (x, kept) = (value, [Double]())
            for other in partials {
                let (large, small) = abs(x) < abs(other) ? (other, x) : (x, other)
                let high = large + small
                let low = small - (high - large)
                if low != 0 { kept.append(low) }
                x = high
            }
            partials = kept + [x]
        }
        var high = partials.popLast() ?? 0
        while let next = partials.popLast() {
            let before = high
            high = before + next
            let low = next - (high - before)
            guard low != 0 else { continue }
            // Half of a step rounds to even only if nothing is left that tips it.
            if let rest = partials.last, (low < 0) == (rest < 0) {
                let twice = low * 2
                let moved = high + twice
                if twice == moved - high { high = moved }
            }
            break
        }
        return high
    }

    private static func numbers(_ seed: UInt64, _ exponents: ClosedRange<Int>, count: Int) -> [Double] {
        var numbers = Numbers(seed: seed)
        return (0..<count).map { _ in
            Double(
                sign: .plus, exponent: .random(in: exponents, using: &numbers),
                significand: .random(in: 1..<2, using: &numbers))
        }
    }

    private static func sums(_ values: [Double]) -> ExactSums {
        var sums = ExactSums(count: 1)
        for value in values { sums.add(value, to: 0) }
        return sums
    }

    @Test(arguments: [-1074 ... -1000, -1074...55, -60...0, -3...3, 40...55])
    func areRoundedOnce(exponents: ClosedRange<Int>) {
        for seed in 0..<40 {
            let values = Self.numbers(UInt64(seed), exponents, count: 1 + 7 * seed % 50)
            let sums = Self.sums(values)
            #expect(sums[0] == Self.fsum(values))
            #expect(sums == Self.sums(values.reversed()))
            #expect(Self.fsum(sums.parts(of: 0)) == sums[0])
            #expect(Self.sums(sums.parts(of: 0)) == sums)
        }
    }

    @Test func roundHalfToEven() {
        // Of the steps of 2 between 2⁵³ and 2⁵⁴.
        #expect(Self.sums([0x1p53, 1])[0] == 0x1p53)
        #expect(Self.sums([0x1p53 + 2, 1])[0] == 0x1p53 + 4)
        #expect(Self.sums([0x1p53, 1, 0x1p-1074])[0] == 0x1p53 + 2)
        #expect(Self.sums([0x1p53 - 1, 0.5])[0] == 0x1p53)
        #expect(Self.sums([.leastNonzeroMagnitude, .leastNonzeroMagnitude])[0] == 2 * .leastNonzeroMagnitude)
        #expect(Self.sums([.leastNormalMagnitude, .leastNonzeroMagnitude])[0] == .leastNormalMagnitude.nextUp)
        #expect(Self.sums([])[0] == 0)
    }

    @Test func doNotDisturbOneAnother() {
        var sums = ExactSums(count: 3)
        // A carry through all words of a sum.
        for _ in 0..<4 { sums.add((0x1p63).nextDown, to: 1) }
        sums.add(0.5, to: 2)
        #expect(sums[0] == 0 && sums.parts(of: 0).isEmpty)
        #expect(sums[1] == 4 * (0x1p63).nextDown)
        #expect(sums[2] == 0.5 && sums.parts(of: 2) == [0.5])
    }
}
