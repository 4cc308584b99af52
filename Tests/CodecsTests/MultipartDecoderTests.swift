import Testing

@testable import Codecs

@Suite struct MultipartDecoderTests {
    /// Decodes a form, and writes down what comes, one entry a part.
    private final class Parts {
        struct Part: Equatable {
            var name: String
            var fileName: String?
            var body: [UInt8]

            init(_ name: String, _ body: String, fileName: String? = nil) {
                self.name = name
                self.fileName = fileName
                self.body = Array(body.utf8)
            }
        }
        private var decoder: MultipartDecoder
        private(set) var parts: [Part] = []
        private(set) var starts: [Int] = []
        /// How many pieces are taken before the next is refused.
        var wanted = Int.max
        /// The size of each part, where it is known beforehand.
        var sizes: [Int] = []

        init(boundary: String = "xYz") throws {
            let type = try #require(MultipartType("multipart/form-data; boundary=\"\(boundary)\""))
            decoder = try MultipartDecoder(type)
        }

        var closingByteCount: Int { decoder.closingByteCount }

        func receive(_ bytes: borrowing Span<UInt8>) throws(TestFailure) {
            try decoder.decode(bytes) { (part, offset, bytes) throws(TestFailure) in
                guard wanted > 0 else { throw .refused(part.name) }
                wanted -= 1
                if offset == 0 {
                    parts.append(Part(part.name, "", fileName: part.fileName))
                    starts.append(Int(part.start))
                }
                #expect(parts.last?.name == part.name && parts.last?.fileName == part.fileName)
                #expect(starts.last == Int(part.start))
                #expect(parts.last?.body.count == Int(offset))
                parts[parts.count - 1].body.append(bytes)
                guard sizes.count >= parts.count else { return 0 }
                return sizes[parts.count - 1] - parts[parts.count - 1].body.count
            }
        }

        func finish() throws(TestFailure) {
            do throws(CodecError) { try decoder.finish() } catch { throw .codec(error) }
        }
    }

    private func read(_ text: String, splitAt: [Int] = []) throws -> [Parts.Part] {
        let parts = try Parts()
        let bytes = Array(text.utf8)
        var start = 0
        for end in splitAt + [bytes.count] {
            try parts.receive(bytes.span.extracting(start..<end))
            start = end
        }
        try parts.finish()
        return parts.parts
    }

    private static let form =
        "preamble\r\n--xY\r\n--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n-\r\n--\r\n--xY\r\r\n--xY!\r\n"
        + "\r\n--xYz \t\r\ncontent-disposition:form-data;name=b; filename=\"n \\\"1\\\".npy\"\r\nContent-Type: x/y\r\n\r\n"
        + "\r\n--xYz\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n--xYz\r\n\r\nno head\r\n--xYz--\r\nepilogue"

    private static let expected = [
        Parts.Part("a", "1\r\n-\r\n--\r\n--xY\r\r\n--xY!\r\n"),
        Parts.Part("b", "", fileName: "n \"1\".npy"), Parts.Part("b", ""),
        Parts.Part("", "no head"),
    ]

    @Test func readsPartsWhateverTheyHold() throws {
        #expect(try read(Self.form) == Self.expected)
    }

    @Test func readsFormsCutAnywhere() throws {
        let count = Self.form.utf8.count
        for first in 0...count {
            #expect(try read(Self.form, splitAt: [first]) == Self.expected)
            for second in stride(from: first, through: min(first + 12, count), by: 1) {
                #expect(try read(Self.form, splitAt: [first, second]) == Self.expected)
            }
        }
        #expect(try read(Self.form, splitAt: Array(0...count)) == Self.expected)
    }

    /// A part that knows its size may hold whatever it likes.
    @Test func doesNotSearchWhatIsCertain() throws {
        let body = "1\r\n--xYz\r\n--xYz--\r\n\r\n--xY"
        let form =
            "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\(body)\r\n--xYz\r\n"
            + "Content-Disposition: form-data; name=\"b\"\r\n\r\nsecond\r\n--xYz--\r\n"
        let bytes = Array(form.utf8)
        let head = 51
        // The decoder hears of the size with the first bytes, which must not hold a boundary yet.
        for first in head + 1...head + 7 {
            for second in first...bytes.count {
                let parts = try Parts()
                parts.sizes = [body.utf8.count, 6]
                for (start, end) in [(0, first), (first, second), (second, bytes.count)] {
                    try parts.receive(bytes.span.extracting(start..<end))
                }
                try parts.finish()
                #expect(parts.parts == [Parts.Part("a", body), Parts.Part("b", "second")], "\(first), \(second)")
            }
        }
    }

    @Test(arguments: [1, 7, 1000]) func tellsWherePartsStartAndHowAFormEnds(size: Int) throws {
        let parts = try Parts()
        let bytes = Array(Self.form.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try parts.receive(bytes.span.extracting(start..<min(start + size, bytes.count)))
        }
        #expect(parts.starts.count == 4)
        for (start, part) in zip(parts.starts, Self.expected) {
            #expect(Array(bytes[start..<start + part.body.count]) == part.body)
        }
        let end = "no head".utf8.count + parts.closingByteCount + "epilogue".utf8.count
        #expect(parts.starts.last.map { bytes.count - $0 } == end)
        #expect(parts.closingByteCount == "\r\n--xYz--\r\n".utf8.count)
    }

    @Test func readsBinaryParts() throws {
        var body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        for index in stride(from: 0, to: body.count - 8, by: 97) {
            body.replaceSubrange(index..<index + 7, with: Array("\r\n--xY!".utf8))
        }
        let form =
            Array("--xYz\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n".utf8) + body + Array("\r\n--xYz--".utf8)
        for size in [1, 5, 96, 1024, 65_536, form.count] {
            let parts = try Parts()
            for start in stride(from: 0, to: form.count, by: size) {
                try parts.receive(form.span.extracting(start..<min(start + size, form.count)))
            }
            try parts.finish()
            #expect(parts.parts.count == 1)
            let isSame = parts.parts[0].body == body
            #expect(isSame)
        }
    }

    @Test func readsAFormWithoutParts() throws {
        #expect(try read("--xYz--\r\n") == [])
    }

    @Test(arguments: [
        "", "no boundary at all", "--xYz", "--xYz\r\n", "--xYz-", "--xYz-x", "--xYzz\r\n", "--xYz\n",
        "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end",
        "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end\r\n--xYz\r\n",
        "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nbare\n--xYz--",
        "--xYz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--xYz--",
        "--xYz\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n\r\n--xYz--",
        "--xYz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--xYz--",
        "--xYz\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--xYz--",
        "--xYz\r\nno colon\r\n\r\n\r\n--xYz--",
        "--xYz\r\nX: \(String(repeating: "x", count: 9000))\r\n\r\n\r\n--xYz--",
        "--xYz\r\nX: \(String(repeating: "x", count: 9000))",
    ])
    func refusesWhatIsNoForm(text: String) {
        #expect(throws: TestFailure.codec(.form)) { try self.read(text) }
    }

    @Test func throwsWhatItsReceiverThrows() throws {
        for (wanted, name) in ["a", "b", "b", ""].enumerated() {
            let parts = try Parts()
            parts.wanted = wanted
            #expect(throws: TestFailure.refused(name)) { try parts.receive(Array(Self.form.utf8).span) }
        }
    }

    // RFC 2046 5.1.1
    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        ("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b;c\"; x=y", "a b;c"),
        ("multipart/form-data; boundary=abc; charset=utf-8", "abc"),
    ])
    func findsTheBoundary(contentType: String, boundary: String) throws {
        let type = try #require(MultipartType(contentType))
        #expect(try type.checkedBoundary() == Array(boundary.utf8))
    }

    @Test(arguments: [
        ("multipart/form-data", nil), ("multipart/form-data; boundary=\"", nil),
        ("multipart/form-data; boundary=a; boundary=b", nil), ("multipart/form-data; boundary=", ""),
        ("multipart/form-data; boundary=\"\"", ""), ("multipart/form-data; boundary=\"a \"", "a "),
        ("multipart/form-data; boundary=ä", "ä"),
        ("multipart/form-data; boundary=\(String(repeating: "x", count: 71))", String(repeating: "x", count: 71)),
    ])
    func refusesOtherBoundaries(contentType: String, boundary: String?) throws {
        let type = try #require(MultipartType(contentType))
        #expect(throws: boundary.map { .formBoundary($0) } ?? CodecError.formBoundaryMissing) {
            try MultipartDecoder(type)
        }
    }

    @Test(arguments: [nil, "", "application/json", "multipart/mixed; boundary=a", "multipart/form-data2; boundary=a"])
    func leavesOtherTypesAlone(contentType: String?) {
        #expect(MultipartType(contentType) == nil)
    }
}
