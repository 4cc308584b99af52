import Dispatch
import HTTPServer
import HTTPTypes
import ServiceInterface
import Testing

@Suite struct StreamTests {
    private func responder(_ stream: @escaping @Sendable () -> ByteStream) -> TestResponder {
        TestResponder { _ in
            .receive(
                Recorder { _, reply in
                    reply(Response(HTTPResponse(status: .ok), body: ResponseBody(stream: stream())))
                })
        }
    }

    @Test(arguments: [1, 2]) func sendsWhatIsWrittenWhileItIsSent(threads: Int) throws {
        let stream = ByteStream()
        try withServer(responder { stream }, { $0.threads = threads }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let expected = (0..<200).map { "event \($0)\n" }
            DispatchQueue.global().async {
                for event in expected { stream.write(event.utf8) }
                stream.finish()
            }
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(answer["Transfer-Encoding"] == "chunked")
            #expect(answer.body == Array(expected.joined().utf8))
        }
    }

    @Test func endsStreamsWhenItStops() throws {
        try withServer(responder { ByteStream() }) { server, address in
            let clients = try (0..<5).map { _ in try TestClient(address) }
            for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
            for client in clients { try client.waitForBytes() }
            server.stop()
            for client in clients {
                let answer = try client.answer()
                #expect((answer.status, answer.body) == (200, []))
                #expect(client.isClosed())
            }
        }
    }

    @Test func closesTheStreamOfAClientThatWentAway() throws {
        let stream = ByteStream()
        try withServer(responder { stream }) { _, address in
            do {
                let client = try TestClient(address)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                stream.write("a".utf8)
            }
            // The first bytes to nobody are refused by the peer, which the next ones find out.
            while !stream.isClosed { stream.write("b".utf8) }
        }
    }
}
