import Dispatch
import HTTPServer
import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@Suite struct ConnectionTests {
    /// Whether no request is left under way, which each test is patient about.
    private func becomesQuiet(_ server: Server) -> Bool {
        let quiet = DispatchSemaphore(value: 0)
        server.whenQuiet { quiet.signal() }
        return quiet.wait(timeout: .now() + 20) == .success
    }

    // Each ampersand begins an argument, and each argument takes memory of the connection's.
    @Test(arguments: [
        "?", "?a", "?" + String(repeating: "&", count: 30_000), "?" + String(repeating: "a=b&", count: 9000),
    ])
    func handsOnWhateverComesBehindTheQuestionMark(query: String) throws {
        let paths = Mutex<[String]>([])
        let responder = TestResponder { request in
            paths.withLock { $0.append(request.head.path ?? "") }
            return .refuse(.text(200, "passed"))
        }
        try withServer(responder, small) { server, address in
            let client = try TestClient(address)
            for _ in 0..<2 {
                try client.send("GET /jobs\(query) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer().status == 200)
            }
            #expect(paths.withLock { $0 } == ["/jobs\(query)", "/jobs\(query)"])
            #expect(becomesQuiet(server))
        }
    }
}
