/// Names a job. A caller that knows the name may read and cancel the job, so it cannot be guessed.
package struct JobID: Hashable, Sendable, CustomStringConvertible {
    private static let digitCount = 32

    private let high: UInt64
    private let low: UInt64

    /// Makes a new name from 128 bits of the system's random generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        high = generator.next()
        low = generator.next()
    }

    /// Reads what ``description`` writes: exactly 32 lower-case hexadecimal digits. Anything else is nil.
    package init?(_ text: String) {
        guard text.utf8.count == Self.digitCount else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        self.high = high
        self.low = low
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ half: UInt64) -> String {
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: digitCount / 2 - digits.utf8.count) + digits
    }
}
