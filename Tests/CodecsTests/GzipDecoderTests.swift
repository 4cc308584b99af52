import Codecs
import Testing

@Suite struct GzipDecoderTests {
    private func decode(_ file: [UInt8], by size: Int = 1 << 30, limit: Int = 1 << 20) throws -> [UInt8] {
        var result: [UInt8] = []
        var decoder = GzipDecoder(byteLimit: limit)
        try push(file, by: size) { (bytes) throws(TestFailure) in
            try decoder.decode(bytes) { (decoded) throws(TestFailure) in result.append(decoded) }
        }
        try decoder.finish()
        return result
    }

    private let text = Array(String(repeating: "first ", count: 100).utf8) + Array("second".utf8)

    /// RFC 1952, section 2.2: a file is a series of members.
    @Test(arguments: chunkSizes) func readsAllMembers(size: Int) throws {
        #expect(try decode(try fixture("members.gz"), by: size) == text)
    }

    /// RFC 1950, section 2.2. Made by `zlib.compress(b"abc" * 5)`.
    @Test(arguments: chunkSizes) func readsAZlibStream(size: Int) throws {
        let stream: [UInt8] = [0x78, 0x9C, 0x4B, 0x4C, 0x4A, 0x4E, 0x44, 0x42, 0x00, 0x2D, 0xF5, 0x05, 0xBF]
        try expectLetters(of: stream, prefixes: [stream.count, stream.count - 1], by: size)
    }

    /// What some send by the name of deflate: RFC 1951 without RFC 1950 around it.
    @Test(arguments: chunkSizes) func readsBareDeflateData(size: Int) throws {
        let stream: [UInt8] = [0x4B, 0x4C, 0x4A, 0x4E, 0x44, 0x42, 0x00]
        try expectLetters(of: stream, prefixes: Array(0...stream.count), by: size)
    }

    /// Expects that the whole of a deflated stream is `abc` five times, and that any shorter prefix is cut short.
    private func expectLetters(of stream: [UInt8], prefixes: [Int], by size: Int) throws {
        for count in prefixes {
            var result: [UInt8] = []
            var decoder = GzipDecoder(.deflate, byteLimit: 1 << 20)
            try push(Array(stream[..<count]), by: size) { (bytes) throws(TestFailure) in
                try decoder.decode(bytes) { (decoded) throws(TestFailure) in result.append(decoded) }
            }
            guard count < stream.count else {
                try decoder.finish()
                #expect(result == Array("abcabcabcabcabc".utf8))
                continue
            }
            #expect(throws: CodecError.gzipTruncated) { try decoder.finish() }
        }
    }

    @Test func refusesEveryPrefixExceptWholeMembers() throws {
        let whole = try fixture("members.gz")
        var accepted: [Int] = []
        for count in 0..<whole.count {
            do {
                let result = try decode(Array(whole[..<count]))
                #expect(result == text.dropLast(6))
                accepted.append(count)
            } catch {
                #expect(error as? CodecError == .gzipTruncated)
            }
        }
        #expect(accepted.count == 1)
    }

    /// RFC 1952, section 2.3.1: CRC32 and ISIZE end a member.
    @Test func refusesWrongTrailers() throws {
        let whole = try fixture("members.gz")
        for place in whole.count - 8..<whole.count {
            var copy = whole
            copy[place] ^= 1
            let reason = place < whole.count - 4 ? "incorrect data check" : "incorrect length check"
            #expect(throws: TestFailure.codec(.deflate(reason: reason))) { try decode(copy) }
        }
    }

    @Test(arguments: chunkSizes) func refusesWhatIsNotGzip(size: Int) {
        #expect(throws: TestFailure.codec(.deflate(reason: "incorrect header check"))) {
            try decode(Array("not gzip".utf8), by: size)
        }
    }

    @Test(arguments: chunkSizes) func refusesOtherBytesAfterAMember(size: Int) throws {
        let whole = try fixture("members.gz")
        #expect(throws: TestFailure.codec(.deflate(reason: "incorrect header check"))) {
            try decode(whole + [0, 0, 0], by: size)
        }
    }

    @Test func refusesABombAtTheLimit() throws {
        let member = try fixture("zeros.gz")
        var received = 0
        var decoder = GzipDecoder(byteLimit: 100_000_000)
        // 4 MiB in each member: the 24th passes the limit.
        #expect(throws: TestFailure.codec(.tooLarge(limit: 100_000_000))) {
            for _ in 0..<100 {
                try push(member, by: 1000) { (bytes) throws(TestFailure) in
                    try decoder.decode(bytes) { (decoded) throws(TestFailure) in received += decoded.count }
                }
            }
        }
        #expect((99_000_000...100_000_000).contains(received))
    }

    @Test func acceptsExactlyTheLimit() throws {
        let whole = try fixture("members.gz")
        #expect(try decode(whole, limit: text.count) == text)
        #expect(throws: TestFailure.codec(.tooLarge(limit: text.count - 1))) {
            try decode(whole, limit: text.count - 1)
        }
    }

    @Test func passesOnWhatTheOutputThrows() throws {
        let whole = try fixture("members.gz")
        var decoder = GzipDecoder(byteLimit: 1 << 20)
        #expect(throws: TestFailure.refused("no")) {
            try decoder.decode(whole.span) { (_) throws(TestFailure) in throw .refused("no") }
        }
    }
}
