import Dispatch
import HTTPServer
import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@Suite struct HangUpTests {
    enum HangUp: CaseIterable {
        case closing, resetting, closingItsSendingSide
    }

    /// Waits until no request is under way.
    private func waitUntilQuiet(_ server: Server, sourceLocation: SourceLocation = #_sourceLocation) {
        let quiet = DispatchSemaphore(value: 0)
        server.whenQuiet { quiet.signal() }
        #expect(quiet.wait(timeout: .now() + 20) == .success, sourceLocation: sourceLocation)
    }

    @Test(arguments: HangUp.allCases, ["127.0.0.1:0", "unix"])
    func endsARequestThatWaits(_ hangUp: HangUp, _ listener: String) throws {
        try withTemporaryDirectory { directory in
            let replies = Mutex<[@Sendable (Response) -> Void]>([])
            let recorder = Recorder(endsWithItsClient: true) { _, reply in replies.withLock { $0.append(reply) } }
            let address = try ListenAddress(listener == "unix" ? "unix:\(directory)/s" : listener)
            try withServer(
                TestResponder { _ in .receive(recorder) }, { ($0.listeners, $0.idleTimeout) = ([address], 3600) }
            ) { server, address in
                var client: TestClient? = try TestClient(address)
                try client?.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
                recorder.ended.wait()
                switch hangUp {
                case .closing: client = nil
                case .resetting: client?.reset()
                case .closingItsSendingSide: client?.finishSending()
                }
                #expect(recorder.left.wait(timeout: .now() + 20) == .success)
                waitUntilQuiet(server)
                // What comes now is for nobody.
                for reply in replies.withLock({ $0 }) { reply(.text(200, "late")) }
                if hangUp == .closingItsSendingSide { #expect(client?.isClosed() == true) }
                #expect(recorder.abandons.load(ordering: .relaxed) == 0)
                #expect(recorder.left.wait(timeout: .now()) == .timedOut)
            }
        }
    }

    /// The hang-up is there before the connection is suspended.
    @Test func endsARequestWhoseClientLeftWithItsLastByte() throws {
        let recorder = Recorder(endsWithItsClient: true) { _, _ in }
        try withServer(TestResponder { _ in .receive(recorder) }, { $0.idleTimeout = 3600 }) { server, address in
            do {
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            }
            #expect(recorder.left.wait(timeout: .now() + 20) == .success)
            waitUntilQuiet(server)
        }
    }

    @Test func answersAClientThatStays() throws {
        let recorder = Recorder(endsWithItsClient: true) { _, reply in reply(.text(200, "here")) }
        let last = Recorder(endsWithItsClient: true) { _, _ in }
        let responder = TestResponder { .receive($0.head.path == "/last" ? last : recorder) }
        try withServer(responder) { server, address in
            let client = try TestClient(address)
            for _ in 0..<3 {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer().status == 200)
            }
            // The connection has been watched before; it is watched again.
            try client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
            last.ended.wait()
            client.finishSending()
            #expect(last.left.wait(timeout: .now() + 20) == .success)
            waitUntilQuiet(server)
            #expect(recorder.left.wait(timeout: .now()) == .timedOut)
        }
    }

    /// A client may say that it will not send more, and read on.
    @Test func answersOtherRequestsToTheEnd() throws {
        let reply = Mutex<(@Sendable (Response) -> Void)?>(nil)
        let recorder = Recorder { _, answer in reply.withLock { $0 = answer } }
        try withServer(TestResponder { _ in .receive(recorder) }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.finishSending()
            recorder.ended.wait()
            reply.withLock { $0 }?(.text(200, "all of it"))
            #expect(try client.answer().body == Array("all of it".utf8))
        }
    }

    @Test func endsAStreamWithNothingToSay() throws {
        let stream = ByteStream()
        stream.write(Array("first".utf8))
        let responder = TestResponder { _ in
            .receive(Recorder { _, reply in reply(Response(.init(status: .ok), body: ResponseBody(stream: stream))) })
        }
        try withServer(responder, { $0.idleTimeout = 3600 }) { server, address in
            do {
                let client = try TestClient(address)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try client.waitForBytes()
            }
            waitUntilQuiet(server)
            #expect(stream.isClosed)
        }
    }

    @Test(arguments: [1, 2]) func survivesHangUpsThatRaceReplies(threads: Int) throws {
        let responder = TestResponder { _ in
            .receive(
                Recorder(endsWithItsClient: true) { body, reply in
                    DispatchQueue.global().async { reply(.bytes(body)) }
                })
        }
        try withServer(responder, { $0.threads = threads }) { server, address in
            for _ in 0..<300 {
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
                client.finishSending()
            }
            waitUntilQuiet(server)
        }
    }
}
