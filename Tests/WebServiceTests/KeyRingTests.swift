import Testing

@testable import WebService

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
        #expect(keys.caller(Self.first.utf8) != nil)
        #expect(keys.caller(Self.second.utf8) != nil)
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "  \r\n\t"]) func refusesAFileWithoutKeys(text: String) {
        #expect(throws: KeyRingError.empty) { try ring(text) }
    }

    @Test func refusesWhatIsNoKeyAndNamesItsLine() {
        let cases: [(String, KeyRingError)] = [
            ("0123456789abcde", .length(line: 1, count: 15)),
            ("\(Self.first)\n\n# x\n\(String(repeating: "x", count: 257))", .length(line: 4, count: 257)),
            ("\(Self.first)\nhas a blank inside", .mark(line: 2)),
            ("\(Self.first) name=", .mark(line: 1)), ("\(Self.first) overseer Overseer", .mark(line: 1)),
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
        for key in wrong { #expect(keys.caller(key.utf8) == nil) }
    }

    /// Every single byte counts, and every bit of it.
    @Test func tellsKeysApartThatDifferInABit() throws {
        let key = Array(Self.first.utf8)
        let keys = try KeyRing(lines: key)
        for index in key.indices {
            for bit in 0..<8 {
                var other = key
                other[index] ^= 1 << bit
                #expect(keys.caller(other) == nil)
            }
        }
    }

    @Test(arguments: [16, 17, 255, 256]) func takesKeysOfAnyLengthThatItAllows(count: Int) throws {
        let key = [UInt8](repeating: 0x7E, count: count)
        let keys = try KeyRing(lines: key)
        #expect(keys.caller(key) != nil)
        #expect(keys.caller(key.dropLast()) == nil)
        #expect(keys.caller(key + [0x7E]) == nil)
    }

    @Test func tellsWhoseAKeyIs() throws {
        let lines = [
            "\(Self.first)\toverseer", "\(Self.second)  name=team overseer", "\(Self.first)x name=team",
            "\(Self.first)y",
        ]
        let keys = try ring(lines.joined(separator: "\n"))
        func caller(_ key: String) throws -> Caller { try #require(keys.caller(key.utf8)) }
        #expect(try caller(Self.first).seesAll && caller(Self.second).seesAll)
        #expect(try !caller(Self.first + "x").seesAll && !caller(Self.first + "y").seesAll)
        #expect(try caller(Self.second).owner == caller(Self.first + "x").owner)
        #expect(try caller(Self.second).owner?.text == "name:team")
        #expect(try caller(Self.first).owner != caller(Self.first + "y").owner)
        // printf 0123456789abcdef | sha256sum
        #expect(try caller(Self.first).owner?.text == "key:9f9f5111f7b27a781f1f1ddde5ebc2dd")
    }

    /// - SeeAlso: FIPS 180-4's examples: the empty message, "abc", and one of two blocks.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func digestsAsTheStandardSays(text: String, digits: String) {
        let digest = SHA256(Array(text.utf8)).digest.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        #expect(digest.joined() == digits)
    }
}
