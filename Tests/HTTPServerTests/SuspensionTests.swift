import Dispatch
import HTTPServer
import ServiceInterface
import Synchronization
import Testing

@Suite struct SuspensionTests {
    private typealias Reply = @Sendable (Response) -> Void

    /// Replies that are to come, and how many.
    private final class Replies: Sendable {
        private let waiting = Mutex<[(body: [UInt8], reply: Reply)]>([])
        private let arrived = DispatchSemaphore(value: 0)

        func responder() -> TestResponder {
            TestResponder { _ in
                .receive(
                    Recorder { body, reply in
                        self.waiting.withLock { $0.append((body, reply)) }
                        self.arrived.signal()
                    })
            }
        }

        func take(_ count: Int) -> [(body: [UInt8], reply: Reply)] {
            for _ in 0..<count { arrived.wait() }
            return waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
        }
    }

    @Test func holdsManyRequestsOnOneThread() throws {
        let replies = Replies()
        try withServer(replies.responder(), { $0.connectionBufferBytes = 64 << 10 }) { server, address in
            let clients = try (0..<200).map { index in
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\(100 + index)")
                return client
            }
            let waiting = replies.take(200)
            #expect(server.inFlight == 200)
            DispatchQueue.concurrentPerform(iterations: 200) { index in
                waiting[199 - index].reply(.bytes(waiting[199 - index].body))
            }
            for (index, client) in clients.enumerated() {
                #expect(try client.answer().body == Array("\(100 + index)".utf8))
            }
        }
    }

    @Test(arguments: [1, 2]) func survivesRepliesThatRaceTheSuspension(threads: Int) throws {
        let responder = TestResponder { _ in
            .receive(Recorder { body, reply in DispatchQueue.global().async { reply(.bytes(body)) } })
        }
        try withServer(responder, { $0.threads = threads }) { _, address in
            let clients = try (0..<4).map { _ in try TestClient(address) }
            for round in 0..<500 {
                for client in clients {
                    try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\(1000 + round)")
                }
                for client in clients { #expect(try client.answer().body == Array("\(1000 + round)".utf8)) }
            }
        }
    }

    @Test func takesTheFirstReplyOnly() throws {
        let replies = Replies()
        try withServer(replies.responder()) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let reply = replies.take(1)[0].reply
            reply(.text(200, "first"))
            reply(.text(200, "second"))
            #expect(try client.answer().body == Array("first".utf8))
            reply(.text(200, "third"))
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            replies.take(1)[0].reply(.text(200, "next"))
            #expect(try client.answer().body == Array("next".utf8))
        }
    }

    @Test func abandonsABodyWhoseClientHangsUp() throws {
        for isReset in [false, true] {
            let recorder = Recorder { _, reply in reply(.text(200, "")) }
            try withServer(TestResponder { _ in .receive(recorder) }) { _, address in
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf of it")
                recorder.began.wait()
                if isReset { client.reset() } else { client.finishSending() }
                recorder.ended.wait()
                #expect(recorder.abandons.load(ordering: .relaxed) == 1)
                #expect(recorder.finishes.load(ordering: .relaxed) == 0)
            }
            // Stopping calls nobody a second time.
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
        }
    }

    @Test func repliesToAClientThatIsGone() throws {
        let replies = Replies()
        try withServer(replies.responder()) { server, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let reply = replies.take(1)[0].reply
            client.reset()
            reply(.bytes(pattern(5_000_000)))
            let quiet = DispatchSemaphore(value: 0)
            server.whenQuiet { quiet.signal() }
            quiet.wait()
            let other = try TestClient(address)
            try other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            replies.take(1)[0].reply(.text(200, "alive"))
            #expect(try other.answer().status == 200)
        }
    }

    @Test(arguments: [1, 3]) func refusesWhatStillWaitsWhenItStops(threads: Int) throws {
        let replies = Replies()
        let late = try withServer(replies.responder(), { $0.threads = threads }) { server, address in
            let clients = try (0..<20).map { _ in
                let client = try TestClient(address)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return client
            }
            let waiting = replies.take(20)
            server.stop()
            for client in clients {
                let answer = try client.answer()
                #expect(answer.status == 503)
                #expect(answer["Connection"] == "close")
                #expect(client.isClosed())
            }
            #expect(server.inFlight == 0)
            return waiting
        }
        for (_, reply) in late { reply(.text(200, "too late")) }
    }

    @Test func stopsWhileRepliesAndRequestsComeIn() throws {
        for _ in 0..<20 {
            let replies = Replies()
            try withServer(replies.responder(), small) { server, address in
                let clients = try (0..<16).map { _ in try TestClient(address) }
                for client in clients.prefix(8) { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
                let waiting = replies.take(8)
                DispatchQueue.concurrentPerform(iterations: 3) { turn in
                    switch turn {
                    case 0: for (_, reply) in waiting { reply(.text(200, "in time or not")) }
                    case 1: server.stop()
                    default:
                        // Some reach a server that is gone.
                        for client in clients.suffix(8) { try? client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
                    }
                }
                #expect(server.inFlight == 0)
                for client in clients.prefix(8) {
                    if let answer = try? client.answer() { #expect([200, 503].contains(answer.status)) }
                }
            }
        }
    }
}
