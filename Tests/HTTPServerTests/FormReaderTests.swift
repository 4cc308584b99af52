import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@testable import HTTPServer

@Suite struct FormReaderTests {
    /// Writes down what comes, one entry a part.
    private final class Parts: PartReceiver {
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
        var parts: [Part] = []
        var starts: [Int] = []
        var wanted = Int.max

        /// The size of each part, where it is known beforehand.
        var sizes: [Int] = []

        func receive(_ part: FormPart, offset: UInt64, bytes: borrowing Span<UInt8>) -> PartDemand {
            if offset == 0 {
                parts.append(Part(part.name, "", fileName: part.fileName))
                starts.append(Int(part.start))
            }
            #expect(parts.last?.name == part.name && parts.last?.fileName == part.fileName)
            #expect(starts.last == Int(part.start))
            #expect(parts.last?.body.count == Int(offset))
            bytes.withUnsafeBufferPointer { parts[parts.count - 1].body.append(contentsOf: $0) }
            wanted -= 1
            guard wanted > 0 else { return .stop }
            guard sizes.count >= parts.count else { return .more }
            return .atLeast(sizes[parts.count - 1] - parts[parts.count - 1].body.count)
        }
    }

    private func read(
        _ text: String, boundary: String = "xYz", splitAt: [Int] = []
    ) throws(MultipartError) -> [Parts.Part] {
        let parts = Parts()
        let reader = FormReader(boundary: Array(boundary.utf8), receiver: parts)
        let bytes = Array(text.utf8)
        var start = 0
        for end in splitAt + [bytes.count] {
            try reader.receive(bytes.span.extracting(start..<end))
            start = end
        }
        try reader.finish()
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
        // The reader hears of the size with the first bytes, which must not hold a boundary yet.
        for first in head + 1...head + 7 {
            for second in first...bytes.count {
                let parts = Parts()
                parts.sizes = [body.utf8.count, 6]
                let reader = FormReader(boundary: Array("xYz".utf8), receiver: parts)
                for (start, end) in [(0, first), (first, second), (second, bytes.count)] {
                    try reader.receive(bytes.span.extracting(start..<end))
                }
                try reader.finish()
                #expect(parts.parts == [Parts.Part("a", body), Parts.Part("b", "second")], "\(first), \(second)")
            }
        }
    }

    @Test(arguments: [1, 7, 1000]) func tellsWherePartsStartAndHowAFormEnds(size: Int) throws {
        let parts = Parts()
        let reader = FormReader(boundary: Array("xYz".utf8), receiver: parts)
        let bytes = Array(Self.form.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try reader.receive(bytes.span.extracting(start..<min(start + size, bytes.count)))
        }
        #expect(parts.starts.count == 4)
        for (start, part) in zip(parts.starts, Self.expected) {
            #expect(Array(bytes[start..<start + part.body.count]) == part.body)
        }
        let end = "no head".utf8.count + reader.closingByteCount + "epilogue".utf8.count
        #expect(parts.starts.last.map { bytes.count - $0 } == end)
        #expect(reader.closingByteCount == "\r\n--xYz--\r\n".utf8.count)
    }

    @Test func readsBinaryParts() throws {
        var body: [UInt8] = pattern(300_000)
        for index in stride(from: 0, to: body.count - 8, by: 97) {
            body.replaceSubrange(index..<index + 7, with: Array("\r\n--xY!".utf8))
        }
        let form =
            Array("--xYz\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n".utf8) + body + Array("\r\n--xYz--".utf8)
        for size in [1, 5, 96, 1024, 65_536, form.count] {
            let parts = Parts()
            let reader = FormReader(boundary: Array("xYz".utf8), receiver: parts)
            for start in stride(from: 0, to: form.count, by: size) {
                try reader.receive(form.span.extracting(start..<min(start + size, form.count)))
            }
            try reader.finish()
            #expect(parts.parts.count == 1)
            #expect(isSame(parts.parts[0].body, body))
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
        #expect(throws: MultipartError.malformed) { try self.read(text) }
    }

    @Test func stopsWhenTheReceiverHasEnough() {
        for wanted in 1...4 {
            let parts = Parts()
            parts.wanted = wanted
            let reader = FormReader(boundary: Array("xYz".utf8), receiver: parts)
            #expect(throws: MultipartError.refused) { try reader.receive(Array(Self.form.utf8).span) }
            let count = parts.parts.count
            #expect(throws: MultipartError.refused) { try reader.receive(Array(Self.form.utf8).span) }
            #expect(throws: MultipartError.refused) { try reader.finish() }
            #expect(parts.parts.count == count)
        }
    }

    // RFC 2046 5.1.1
    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        ("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b;c\"; x=y", "a b;c"),
        ("multipart/form-data; boundary=abc; charset=utf-8", "abc"), ("multipart/form-data", nil),
        ("multipart/form-data; boundary=", nil), ("multipart/form-data; boundary=\"", nil),
        ("multipart/form-data; boundary=\"\"", nil), ("multipart/form-data; boundary=a; boundary=b", nil),
        ("multipart/form-data; boundary=\"a \"", nil), ("multipart/form-data; boundary=ä", nil),
        ("multipart/form-data; boundary=\(String(repeating: "x", count: 71))", nil),
    ])
    func findsTheBoundary(contentType: String, boundary: String?) throws {
        let factory = try #require(FormFactory(contentType: contentType))
        guard let boundary else {
            let error = #expect(throws: MultipartError.self) { try factory.makeReader(for: Parts()) }
            guard case .boundary(let text)? = error else {
                #expect(error == .noBoundary)
                return
            }
            #expect(contentType.contains(text))
            return
        }
        let parts = Parts()
        let reader = try factory.makeReader(for: parts)
        try reader.receive(Array("--\(boundary)\r\n\r\nx\r\n--\(boundary)--".utf8).span)
        try reader.finish()
        #expect(parts.parts == [Parts.Part("", "x")])
    }

    @Test(arguments: [nil, "", "application/json", "multipart/mixed; boundary=a", "multipart/form-data2; boundary=a"])
    func leavesOtherTypesAlone(contentType: String?) {
        #expect(FormFactory(contentType: contentType) == nil)
    }

    @Test func readsAFormFromASocket() throws {
        final class FormSink: BodySink {
            let parts = Parts()
            let reader: any MultipartReader
            var error: MultipartError?

            init?(_ factory: (any MultipartFactory)?) {
                guard let reader = try? factory?.makeReader(for: parts) else { return nil }
                self.reader = reader
            }

            func receive(_ bytes: borrowing Span<UInt8>) {
                do throws(MultipartError) { try reader.receive(bytes) } catch { self.error = error }
            }

            func finish(_ reply: @escaping @Sendable (Response) -> Void) {
                do throws(MultipartError) { try reader.finish() } catch { self.error = error }
                let sizes = parts.parts.map { "\($0.name):\($0.body.count)" }
                let text = error.map { "\($0)" } ?? sizes.joined(separator: " ")
                reply(.text(200, text))
            }

            func abandon() {}
        }
        let responder = TestResponder { request in
            FormSink(request.multipart).map { .receive($0) } ?? .refuse(.text(400, "no form"))
        }
        try withServer(responder) { _, address in
            let form =
                Array("--b\r\nContent-Disposition: form-data; name=\"labels\"\r\n\r\n".utf8) + pattern(2_000_000)
                + Array("\r\n--b\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--b--\r\n".utf8)
            for contentType in ["multipart/form-data; boundary=b", "text/plain"] {
                let client = try TestClient(address)
                try client.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: \(contentType)\r\nTransfer-Encoding: chunked\r\n\r\n")
                if contentType == "text/plain" {
                    #expect(try client.answer().status == 400)
                } else {
                    try client.sendChunked(form, sizes: [1, 70_001, 13, 500_000])
                    #expect(try client.answer().body == Array("labels:2000000 empty:0".utf8))
                }
            }
        }
    }
}
