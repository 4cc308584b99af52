import Dispatch
import Glibc
import HTTPServer
import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@Suite struct RefusalTests {
    private static let refuser = TestResponder { request in
        request.head.path == "/echo"
            ? .receive(Recorder { body, reply in reply(.bytes(body)) }) : .refuse(.text(404, "none"))
    }

    @Test func keepsTheConnectionWhenTheRefusedBodyIsSmall() throws {
        try withServer(Self.refuser) { _, address in
            let client = try TestClient(address)
            let body = pattern(300_000)
            try client.send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
            try client.send(body)
            #expect(try client.answer().status == 404)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try client.answer().body == Array("abc".utf8))
        }
    }

    @Test(arguments: ["Content-Length: 100000000", "Transfer-Encoding: chunked"])
    func refusesALargeBodyAtTheHead(length: String) throws {
        try withServer(Self.refuser) { _, address in
            let client = try TestClient(address)
            // Not a byte of the body is sent.
            try client.send("POST /none HTTP/1.1\r\nHost: a\r\n\(length)\r\n\r\n")
            let answer = try client.answer()
            #expect(answer.status == 404)
            #expect(answer["Connection"] == "close")
            #expect(client.isClosed())
        }
    }

    @Test func reachesAClientThatSendsWithoutLooking() throws {
        try withServer(Self.refuser) { _, address in
            for _ in 0..<20 {
                let client = try TestClient(address)
                try client.send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n")
                // Breaks off somewhere.
                try? client.send(pattern(20_000_000))
                #expect(try client.answer().status == 404)
            }
        }
    }

    // RFC 9110 10.1.1
    @Test func asksForTheBodyOrRefusesItBefore() throws {
        try withServer(Self.refuser) { _, address in
            let client = try TestClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.answer(takesContinue: true).status == 100)
            try client.send("abc")
            #expect(try client.answer(takesContinue: true).body == Array("abc".utf8))

            try client.send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.answer(takesContinue: true).status == 404)
            #expect(client.isClosed())
        }
    }

    @Test func boundsADeclaredBody() throws {
        let calls = Atomic(0)
        let responder = TestResponder { _ in
            calls.add(1, ordering: .relaxed)
            return .receive(Recorder { body, reply in reply(.bytes(body)) })
        }
        try withServer(responder, { $0.maxBodyBytes = 2_000_000 }) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000001\r\n\r\n")
            let answer = try client.answer()
            #expect(answer.status == 413)
            #expect(answer.body == Array("body 2000000".utf8))
            #expect(calls.load(ordering: .relaxed) == 0)

            let other = try TestClient(address)
            try other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n")
            try other.send(pattern(2_000_000))
            #expect(isSame(try other.answer().body, pattern(2_000_000)))
        }
    }

    @Test func boundsAChunkedBody() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        try withServer(TestResponder { _ in .receive(recorder) }, { $0.maxBodyBytes = 100_000 }) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.sendChunked(pattern(100_001), sizes: [999])
            #expect(try client.answer().status == 413)
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
            #expect(recorder.finishes.load(ordering: .relaxed) == 0)
        }
    }

    @Test func tellsABodyWithoutEndThatItIsTooLarge() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        let responder = TestResponder { _ in .receive(recorder) }
        try withServer(responder, { ($0.maxBodyBytes, $0.connectionBufferBytes) = (10, 64 << 10) }) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("10000\r\n".utf8) + pattern(65_536) + Array("\r\n".utf8)
            for _ in 0..<64 { try client.send(chunk) }
            let answer = try client.answer()
            #expect(answer.status == 413)
            #expect(answer.body == Array("body 10".utf8))
            #expect(answer["Connection"] == "close")
            #expect(answer["X-Request-Id"] != nil)
            #expect(client.isClosed())
            // What still comes is dropped, for a while.
            #expect(throws: TestClient.Failure.self) {
                while true { try client.send(chunk) }
            }
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
            #expect(recorder.finishes.load(ordering: .relaxed) == 0)
        }
    }

    @Test func boundsTheHead() throws {
        try withServer(.echo, { $0.maxHeaderBytes = 1000 }) { _, address in
            for (filler, status) in [(900, 200), (1000, 431)] {
                let client = try TestClient(address)
                try client.send(
                    "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: filler))\r\n\r\n")
                let answer = try client.answer()
                #expect(answer.status == status)
                #expect(status == 200 || answer.body == Array("header 1000".utf8))
            }
        }
    }

    @Test func boundsTheNumberOfFields() throws {
        try withServer(.echo) { _, address in
            for (count, status) in [(999, 200), (1000, 431)] {
                let client = try TestClient(address)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a:b\r\n", count: count))\r\n")
                #expect(try client.answer().status == status)
            }
        }
    }

    // RFC 9112 2.2, 3.2, 5.1, 5.2, 6.1, 6.3 and 11.2: what two recipients might read in two ways.
    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\nY: z\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.0\n\n",
        "GET / b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{0}b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func refusesWhatCanBeReadInTwoWays(request: String) throws {
        let calls = Atomic(0)
        let responder = TestResponder { _ in
            calls.add(1, ordering: .relaxed)
            return .refuse(.text(200, "passed"))
        }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            // What a smuggler would have answered second.
            try client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.answer()
            #expect(answer.status == 400)
            #expect(answer.body == Array("malformed".utf8))
            #expect(answer["Connection"] == "close")
            #expect(client.isClosed())
            #expect(calls.load(ordering: .relaxed) == 0)
        }
    }

    // RFC 9112 7.1: each line ends with CRLF.
    @Test(arguments: [
        "5\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "5\r\nhello\n5\r\nworld\r\n0\r\n\r\n", "5;a=b\nhello\r\n0\r\n\r\n",
        "5;a=\rb\r\nhello\r\n0\r\n\r\n", "5;\u{1}\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n5\nworld\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
    ])
    func refusesChunksWhoseLinesEndOtherwise(body: String) throws {
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
            try client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.answer()
            #expect(answer.status == 400)
            #expect(answer.body == Array("malformed".utf8))
            #expect(client.isClosed())
        }
    }

    /// A line that comes alone is gone before anybody sees how it ended; so nothing behind such a body is a request.
    @Test(arguments: [
        ["5\n", "hello\r\n0\r\n\r\n"], ["5\r\nhello", "\n", "0\r\n\r\n"], ["5\r\nhello\r\n", "0\n", "\r\n"],
        ["5\r\nhello\r\n0\r\n\r\n"],
    ])
    func answersNothingBehindAChunkedBody(pieces: [String]) throws {
        let paths = Mutex<[String?]>([])
        let recorder = TestResponder { request in
            paths.withLock { $0.append(request.head.path) }
            return .receive(Recorder { body, reply in reply(.bytes(body)) })
        }
        try withServer(recorder) { _, address in
            let client = try TestClient(address)
            try client.send("POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pieces.dropLast() {
                try client.send(piece)
                // So that each is read alone, nearly always; where it is not, what was said of the lines holds too.
                usleep(20_000)
            }
            try client.send(pieces.last.map { "\($0)GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" } ?? "")
            let answer = try client.answer()
            #expect([200, 400].contains(answer.status))
            #expect(answer["Connection"] == "close")
            #expect(client.isClosed())
            #expect(paths.withLock { $0 } == ["/first"])
        }
    }

    @Test(arguments: 1...40) func takesChunksHoweverTheyAreCut(size: Int) throws {
        let body = "c;x=\"y\"\r\nhello\nworld\r\r\n02\r\n\r\n\r\n1\r\n\n\r\n000\r\n\r\n"
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)".utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try client.send(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(answer.body == Array("hello\nworld\r\r\n\n".utf8))
        }
    }

    @Test func doesNotKnowOtherTransferCodings() throws {
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
            #expect(try client.answer().status == 501)
            #expect(client.isClosed())
        }
    }

    /// What libmicrohttpd would answer by itself, and what is answered.
    private static let unreadable: [(request: String, status: Int, body: String)] = {
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let long = String(repeating: "a", count: 100_000)
        return [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "malformed"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "malformed"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400, "malformed"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, "body 1000000"),
            ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "malformed"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX\u{0}Y: b\r\n\r\n", 400, "malformed"),
            ("GET /\r\nHost: a\r\n\r\n", 400, "malformed"),
            ("GET / HTPT/1.1\r\nHost: a\r\n\r\n", 400, "malformed"),
            ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "version"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
            ("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", 414, "target 5000"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n", 431, "header 5000"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n \(long)\r\n\r\n", 431, "header 5000"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a:b\r\n", count: 9000))\r\n", 431, "header 5000"),
            ("GET / HTTP/1.1\r\nHost: a\r\nCookie: \(long.replacing("a", with: ";"))\r\n\r\n", 431, "header 5000"),
            (chunked + "xyz\r\n", 400, "malformed"),
            (chunked + "fffffffffffffffff\r\n", 413, "body 1000000"),
            (chunked + "1;\(long)", 400, "malformed"),
            (chunked + "1\r\na\r\n0\r\nno colon\r\n\r\n", 400, "malformed"),
            (chunked + "1\r\na\r\n0\r\nX: \(long)\r\n\r\n", 431, "header 5000"),
        ]
    }()

    @Test(arguments: unreadable.indices)
    func answersOnceInItsOwnWordsWhatTheLibraryRefuses(index: Int) throws {
        let (request, status, body) = Self.unreadable[index]
        try withServer(
            .echo, { ($0.maxHeaderBytes, $0.maxBodyBytes, $0.connectionBufferBytes) = (5000, 1_000_000, 64 << 10) }
        ) { server, address in
            let client = try TestClient(address)
            try client.send(request)
            let answer = try client.answer()
            #expect(answer.status == status)
            #expect(answer.body == Array(body.utf8))
            #expect(answer["Content-Type"] == "text/plain")
            #expect(answer["X-Request-Id"]?.isEmpty == false)
            #expect(answer["Connection"] == "close")
            #expect(client.isClosed())
            let quiet = DispatchSemaphore(value: 0)
            server.whenQuiet { quiet.signal() }
            #expect(quiet.wait(timeout: .now() + 20) == .success)
        }
    }

    @Test func abandonsABodyWhoseChunksAreNone() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        try withServer(TestResponder { _ in .receive(recorder) }) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
            #expect(try client.answer().status == 400)
            recorder.ended.wait()
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
            #expect(recorder.finishes.load(ordering: .relaxed) == 0)
        }
    }
}
