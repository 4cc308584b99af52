import HTTPServer
import HTTPTypes
import Memory
import ServiceInterface
import Synchronization
import Testing

@Suite struct ServerTests {
    @Test(arguments: [0, 1, 2, 1023, 65_536, 524_287, 524_288, 1_048_577, 5_000_000])
    func echoesACountedBody(size: Int) throws {
        let body = pattern(size)
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            try client.send(body)
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(isSame(answer.body, body))
        }
    }

    @Test(arguments: [[1], [7, 1, 300], [65_536], [1_000_003]], [0, 1, 999, 300_000, 2_000_003])
    func echoesAChunkedBody(chunks: [Int], size: Int) throws {
        let body = pattern(chunks == [1] ? min(size, 999) : size)
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.sendChunked(body, sizes: chunks)
            #expect(isSame(try client.answer().body, body))
        }
    }

    @Test func keepsTheConnectionAcrossRequests() throws {
        let responder = TestResponder { request in
            guard request.head.method == .post else { return .refuse(.text(404, "none")) }
            return .receive(Recorder { body, reply in reply(.bytes(body)) })
        }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            for _ in 0..<3 {
                try client.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
                let missing = try client.answer()
                #expect(missing.status == 404)
                #expect(missing["Connection"] == nil)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
                #expect(try client.answer().body == Array("hello".utf8))
            }
            // Pipelined, too.
            let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\(post)")
            #expect(try client.answer().status == 404)
            #expect(try client.answer().body == Array("hi".utf8))
        }
    }

    @Test func answersHeadWithTheLengthAlone() throws {
        try withServer(TestResponder { _ in .refuse(.text(200, "twelve bytes")) }) { _, address in
            let client = try TestClient(address)
            for _ in 0..<2 {
                try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try client.answer(isHead: true)
                #expect(answer.status == 200)
                #expect(answer["Content-Length"] == "12")
            }
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().body == Array("twelve bytes".utf8))
        }
    }

    @Test func passesTheHeadOn() throws {
        let seen = Mutex<IncomingRequest?>(nil)
        let responder = TestResponder { request in
            seen.withLock { $0 = request }
            return .refuse(.text(200, ""))
        }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            try client.send(
                "BREW /a%20b/..?q=%41&r=+ HTTP/1.1\r\nHost: example.org:80\r\nX-B: 1 \r\nx-a: 2\r\nX-B:\t3\r\nX-E:\r\n"
                    + "X-Request-Id: abc-1.2_3\r\n\r\n")
            let answer = try client.answer()
            #expect(answer["X-Request-Id"] == "abc-1.2_3")
            let request = try #require(seen.withLock { $0 })
            #expect(request.id == "abc-1.2_3")
            #expect(request.head.method.rawValue == "BREW")
            #expect(request.head.scheme == "http")
            #expect(request.head.authority == "example.org:80")
            #expect(request.head.path == "/a%20b/..?q=%41&r=+")
            let fields = request.head.headerFields.map { "\($0.name.rawName)=\($0.value)" }
            #expect(fields == ["X-B=1", "x-a=2", "X-B=3", "X-E=", "X-Request-Id=abc-1.2_3"])
        }
    }

    @Test(arguments: ["", "a b", "ä", String(repeating: "x", count: 65)])
    func replacesARequestIdThatNoLogCanHold(id: String) throws {
        try withServer(TestResponder { .refuse(.text(200, $0.id)) }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: \(id)\r\n\r\n")
            let answer = try client.answer()
            let sent = try #require(answer["X-Request-Id"])
            #expect(sent != id && sent.count == 16)
            #expect(answer.body == Array(sent.utf8))
        }
    }

    @Test func passesOnWhereTheRequestStandsInATrace() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let responder = TestResponder { .refuse(.text(200, $0.trace?.parent ?? "none")) }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            for (fields, expected) in [
                ("TraceParent: \(parent)\r\n", parent), ("", "none"), ("traceparent: 00-0-0-0\r\n", "none"),
                ("traceparent: \(parent)\r\ntraceparent: \(parent)\r\n", "none"),
            ] {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
                #expect(String(decoding: try client.answer().body, as: UTF8.self) == expected)
            }
        }
    }

    // RFC 9112 3.2.2
    @Test(arguments: [
        ("http://b:1/x?y", "b:1", "/x?y"), ("HTTP://b", "b", "/"), ("http://b?q", "b", "/?q"), ("/x", "a", "/x"),
        ("*", "a", "*"),
    ])
    func takesAbsoluteTargetsApart(target: String, authority: String, path: String) throws {
        let responder = TestResponder { request in
            .refuse(.text(200, "\(request.head.authority ?? "") \(request.head.path ?? "")"))
        }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            try client.send("OPTIONS \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().body == Array("\(authority) \(path)".utf8))
        }
    }

    @Test func closesAfterHTTP10() throws {
        try withServer(.echo) { _, address in
            let client = try TestClient(address)
            try client.send("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nok")
            #expect(try client.answer().body == Array("ok".utf8))
            #expect(client.isClosed())
        }
    }

    @Test(arguments: [2, 3, 1023, 1024, 1025, 5000])
    func sendsEverySegment(count: Int) throws {
        let bytes = pattern(100_000)
        var body = ResponseBody()
        var expected: [UInt8] = []
        let owner = try Buffer(bytes)
        for index in 0..<count {
            let start = index * 17
            body.append(owner, start..<start + 1 + index % 13)
            expected += bytes[start..<start + 1 + index % 13]
        }
        let response = Response(HTTPResponse(status: .ok), body: body)
        try withServer(TestResponder { _ in .refuse(response) }, small) { _, address in
            let client = try TestClient(address)
            for _ in 0..<3 {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try client.answer()
                #expect(isSame(answer.body, expected))
            }
        }
    }

    @Test(arguments: [1, 7, 3000])
    func sendsLargeBodies(segments: Int) throws {
        let bytes = pattern(50_000_000 / segments)
        let owner = try Buffer(bytes)
        var body = ResponseBody()
        for _ in 0..<segments { body.append(owner) }
        let response = Response(HTTPResponse(status: .ok), body: body)
        try withServer(TestResponder { _ in .refuse(response) }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.answer()
            var expected: [UInt8] = []
            for _ in 0..<segments { expected += bytes }
            #expect(isSame(answer.body, expected))
        }
    }

    @Test func holdsABodyUntilItIsSentAndNoLonger() throws {
        let buffer = Mutex<Buffer<UInt8>?>(try Buffer(pattern(3_000_000)))
        weak let owner = buffer.withLock { $0 }
        let responder = TestResponder { _ in
            var body = ResponseBody()
            // Taken out: from here on the response alone holds it.
            buffer.withLock { buffer in
                if let taken = buffer { body.append(taken) }
                buffer = nil
            }
            return .refuse(Response(HTTPResponse(status: .ok), body: body))
        }
        try withServer(responder) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(isSame(try client.answer().body, pattern(3_000_000)))
        }
        #expect(owner == nil)
    }

    @Test func addsWhatAnAnswerNeeds() throws {
        let response = Response(HTTPResponse(status: .noContent, headerFields: [.eTag: "\"x\"", .contentLength: "99"]))
        try withServer(TestResponder { _ in .refuse(response) }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.answer()
            #expect(answer.status == 204)
            #expect(answer["ETag"] == "\"x\"")
            #expect(answer["Content-Length"] == nil)
            #expect(answer["Date"] != nil)
        }
    }
}
