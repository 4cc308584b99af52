/// Sums of numbers from 0 on that depend neither on the order in which the numbers come nor on how they are grouped.
///
/// Each sum is a whole number of the smallest step of float64, 2⁻¹⁰⁷⁴, in 18 words. So nothing is rounded until a sum is
/// read, and sums over parts of a data set, wherever they were made, add up to the sum over all of it, to the bit. What
/// is read is what Python's `math.fsum` gives for the same numbers.
struct ExactSums: Sendable, Equatable {
    /// How many words hold a sum: all bits of float64 up to 1, and 78 above them.
    private static let wordCount = 18

    /// The most memory that a sum takes, in bytes, while room is made for more.
    static let bytesOfSum = 3 * wordCount * MemoryLayout<UInt64>.stride + MemoryLayout<UInt32>.stride

    /// Which of the sums that are not 0 each is, counted from 1; 0 for a sum that is. Of very many classes few may occur.
    private var places: [UInt32]

    /// The words of the sums that are not 0, those of the first first, and of each sum the lowest word first.
    private var words: [UInt64] = []

    /// Makes sums that are 0.
    init(count: Int) {
        places = [UInt32](repeating: 0, count: count)
    }

    /// Adds a number to a sum.
    ///
    /// - Parameter value: From 0 to below 2⁶³, so that a sum of as many numbers as an array may have fits.
    mutating func add(_ value: Double, to index: Int) {
        precondition(value >= 0 && value < 0x1p63)
        let (isNormal, steps) = (value.exponentBitPattern > 0, value.significandBitPattern)
        let significand = isNormal ? steps | 1 << UInt64(Double.significandBitCount) : steps
        let shift = isNormal ? Int(value.exponentBitPattern) - 1 : 0
        let (word, offset) = (shift / 64, UInt64(shift % 64))
        guard significand > 0 else { return }
        if places[index] == 0 {
            words.append(contentsOf: repeatElement(0, count: Self.wordCount))
            places[index] = UInt32(words.count / Self.wordCount)
        }
        let start = Int(places[index] - 1) * Self.wordCount
        add(significand << offset, at: start + word, upTo: start + Self.wordCount)
        let above = offset > 0 ? significand >> (64 - offset) : 0
        if above > 0 { add(above, at: start + word + 1, upTo: start + Self.wordCount) }
    }

    /// Adds a number to a word, and what is carried to the words above it.
    ///
    /// - Parameter end: The word behind the last of the sum.
    private mutating func add(_ number: UInt64, at word: Int, upTo end: Int) {
        var (carried, word) = (number, word)
        while carried > 0 {
            precondition(word < end, "the sum is too large")
            let (sum, overflow) = words[word].addingReportingOverflow(carried)
            words[word] = sum
            (carried, word) = (overflow ? 1 : 0, word + 1)
        }
    }

    /// A sum, rounded to the nearest float64, and of two that are as near to the even one.
    subscript(index: Int) -> Double {
        let bits = bits(of: index)
        guard let highest = bits.highest(below: Self.wordCount * 64) else { return 0 }
        let lowest = max(highest - Double.significandBitCount, 0)
        var significand = bits.window(from: lowest, to: highest)
        if lowest > 0, bits[lowest - 1] {
            let isMoreThanHalf = bits.highest(below: lowest - 1) != nil
            if isMoreThanHalf || significand % 2 == 1 { significand += 1 }
        }
        return Self.value(significand, from: lowest)
    }

    /// Numbers whose exact sum a sum is, the largest first: none if it is 0, and one if it is a float64.
    func parts(of index: Int) -> [Double] {
        let bits = bits(of: index)
        var (parts, end): ([Double], Int) = ([], Self.wordCount * 64)
        while let highest = bits.highest(below: end) {
            end = max(highest - Double.significandBitCount, 0)
            parts.append(Self.value(bits.window(from: end, to: highest), from: end))
        }
        return parts
    }

    private func bits(of index: Int) -> Bits {
        guard places[index] > 0 else { return Bits([]) }
        let start = Int(places[index] - 1) * Self.wordCount
        return Bits(words[start..<start + Self.wordCount])
    }

    /// The float64 of a significand whose lowest bit is a bit of a sum.
    private static func value(_ significand: UInt64, from lowest: Int) -> Double {
        Double(sign: .plus, exponent: lowest - 1074, significand: Double(significand))
    }

    /// The bits of one sum, counted from the lowest.
    private struct Bits {
        private let words: [UInt64]

        init(_ words: ArraySlice<UInt64>) { self.words = Array(words) }

        subscript(bit: Int) -> Bool { words[bit / 64] >> UInt64(bit % 64) & 1 == 1 }

        /// The highest bit below `end` that is 1.
        func highest(below end: Int) -> Int? {
            var end = min(end, 64 * words.count)
            while end > 0 {
                let word = (end - 1) / 64
                let held = words[word] & (.max >> UInt64(64 * (word + 1) - end))
                if held > 0 { return 64 * word + 63 - held.leadingZeroBitCount }
                end = 64 * word
            }
            return nil
        }

        /// At most 64 bits as a number.
        func window(from lowest: Int, to highest: Int) -> UInt64 {
            let (word, offset) = (lowest / 64, UInt64(lowest % 64))
            var number = words[word] >> offset
            if offset > 0, word + 1 < words.count { number |= words[word + 1] << (64 - offset) }
            return number & (.max >> UInt64(63 - (highest - lowest)))
        }
    }
}
