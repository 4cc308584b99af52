import Testing

@testable import ScoringService

@Suite struct KeyRingTests {
    private static let first = "0123456789abcdef"
    private static let second = "second-key/+=!\"#~"

    private func ring(_ text: String) throws -> KeyRing { try KeyRing(lines: Array(text.utf8)) }

    @Test(arguments: [
        "\(first)\n\(second)\n", "# two\n\n\(first)\n  # and\n\(second)", "\u{9}\(first) \r\n\r\n\(second)\r\n",
        "\(second)\n\(first)\n\(first)\n",
    ])
    func readsOneKeyALine(text: String) throws {
        let keys = try ring(text)
        #expect(keys.contains(Self.first.utf8))
        #expect(keys.contains(Self.second.utf8))
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "  \r\n\t"]) func refusesAFileWithoutKeys(text: String) {
        #expect(throws: KeyRingError.empty) { try ring(text) }
    }

    @Test func refusesWhatIsNoKeyAndNamesItsLine() {
        let cases: [(String, KeyRingError)] = [
            ("0123456789abcde", .length(line: 1, count: 15)),
            ("\(Self.first)\n\n# x\n\(String(repeating: "x", count: 257))", .length(line: 4, count: 257)),
            ("\(Self.first)\nhas a blank inside", .unprintable(line: 2)),
            ("\(Self.first)\n\u{FEFF}\(Self.second)", .unprintable(line: 2)),
            ("\(Self.first)\u{0}", .unprintable(line: 1)),
            ("schlüssel-schlüssel", .unprintable(line: 1)),
            ("0123456789abcdef\u{7F}", .unprintable(line: 1)),
        ]
        for (text, error) in cases {
            #expect(throws: error) { try ring(text) }
        }
    }

    @Test func holdsNothingButItsKeys() throws {
        let keys = try ring("\(Self.first)\n\(Self.second)")
        let wrong = [
            "", "0", String(Self.first.dropLast()), Self.first + "0", Self.first + "\u{0}", Self.first.uppercased(),
            "1123456789abcdef", "0123456789abcdeg", Self.first + Self.second, "\(Self.first)\n\(Self.second)",
            String(repeating: "0", count: 256), String(repeating: "0", count: 100_000),
            String(repeating: "\u{0}", count: 256),
        ]
        for key in wrong { #expect(!keys.contains(key.utf8)) }
    }

    /// Every single byte counts, and every bit of it.
    @Test func tellsKeysApartThatDifferInABit() throws {
        let key = Array(Self.first.utf8)
        let keys = try KeyRing(lines: key)
        for index in key.indices {
            for bit in 0..<8 {
                var other = key
                other[index] ^= 1 << bit
                #expect(!keys.contains(other))
            }
        }
    }

    @Test(arguments: [16, 17, 255, 256]) func takesKeysOfAnyLengthThatItAllows(count: Int) throws {
        let key = [UInt8](repeating: 0x7E, count: count)
        let keys = try KeyRing(lines: key)
        #expect(keys.contains(key))
        #expect(!keys.contains(key.dropLast()))
        #expect(!keys.contains(key + [0x7E]))
    }
}
