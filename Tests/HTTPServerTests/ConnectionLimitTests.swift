import Dispatch
import Glibc
import HTTPServer
import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@Suite struct ConnectionLimitTests {
    /// Answers `/wait` when it is told to, and all else with what the request says of its connection.
    private final class Crowd: Sendable {
        private let waiting = Mutex<[@Sendable (Response) -> Void]>([])
        private let arrived = DispatchSemaphore(value: 0)

        func responder() -> TestResponder {
            TestResponder { request in
                let text = request.isCrowded ? "crowded" : "at home"
                return .receive(
                    Recorder { _, reply in
                        guard request.head.path == "/wait" else { return reply(.text(200, text)) }
                        self.waiting.withLock { $0.append(reply) }
                        self.arrived.signal()
                    })
            }
        }

        func fill(_ address: ListenAddress, _ count: Int) throws -> [TestClient] {
            try (0..<count).map { _ in
                let client = try TestClient(address)
                try client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
                arrived.wait()
                return client
            }
        }

        func release() {
            for reply in waiting.withLock({ $0 }) { reply(.text(200, "done")) }
        }
    }

    private func ask(_ client: TestClient) throws -> String {
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return String(decoding: try client.answer().body, as: UTF8.self)
    }

    /// The same, over a connection of its own.
    private func visit(_ address: ListenAddress) throws -> String {
        let client = try TestClient(address)
        return try ask(client)
    }

    @Test(arguments: [1, 2]) func closesTheConnectionThatHasWaitedLongest(threads: Int) throws {
        try withServer(Crowd().responder(), { ($0.maxConnections, $0.threads) = (3, threads) }) { server, address in
            /// A client has its answer somewhat before the server knows that the connection waits again.
            func visit(_ client: TestClient) throws {
                #expect(try ask(client) == "at home")
                while server.inFlight > 0 { sched_yield() }
            }
            let clients = try (0..<3).map { _ in
                let client = try TestClient(address)
                try visit(client)
                return client
            }
            // The first has not waited longest any more.
            try visit(clients[0])
            let another = try TestClient(address)
            #expect(try ask(another) == "at home")
            #expect(clients[1].isClosed())
            for client in [clients[0], clients[2], another] { #expect(try ask(client) == "at home") }
        }
    }

    /// Who connects and says nothing cannot keep others out.
    @Test func closesAConnectionWithoutARequest() throws {
        try withServer(Crowd().responder(), { ($0.maxConnections, $0.idleTimeout) = (40, 3600) }) { _, address in
            let silent = try (0..<100).map { _ in try TestClient(address) }
            #expect(try visit(address) == "at home")
            #expect(silent[0].isClosed())
        }
    }

    @Test func letsAFewInForProbesWhereEachPlaceHasARequest() throws {
        let crowd = Crowd()
        try withServer(crowd.responder(), { $0.maxConnections = 3 }) { _, address in
            let busy = try crowd.fill(address, 3)
            let probe = try TestClient(address)
            try probe.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try probe.answer()
            #expect(answer.body == Array("crowded".utf8))
            #expect(answer["Connection"] == "close")
            #expect(probe.isClosed())
            // Those that have a place keep it.
            crowd.release()
            for client in busy {
                #expect(try client.answer().status == 200)
                #expect(try ask(client) == "at home")
            }
        }
    }

    @Test func closesWhatIsBeyondThoseToo() throws {
        let crowd = Crowd()
        try withServer(crowd.responder(), { $0.maxConnections = 2 }) { _, address in
            let busy = try crowd.fill(address, 2 + 16)
            #expect(try TestClient(address).isClosed())
            crowd.release()
            for client in busy { #expect(try client.answer().status == 200) }
            while (try? ask(try TestClient(address))) != "at home" {}
        }
    }

    @Test(arguments: [true, false]) func keepsPlacesForAdministration(areBusy: Bool) throws {
        let crowd = Crowd()
        let admin = try ListenAddress("127.0.0.1:0")
        try withServer(crowd.responder(), { ($0.maxConnections, $0.adminListeners) = (2, [admin]) }) {
            server, address in
            let others = areBusy ? try crowd.fill(address, 2 + 16) : try (0..<18).map { _ in try TestClient(address) }
            let client = try TestClient(server.addresses[1])
            #expect(try ask(client) == "at home")
            #expect(try ask(client) == "at home")
            crowd.release()
            if areBusy { for other in others { #expect(try other.answer().status == 200) } }
        }
    }

    /// The system gives the lowest number: a limit below those that are open leaves room for none.
    @Test func refusesConnectionsThatWouldTakeTheLastDescriptors() throws {
        try withServer(Crowd().responder(), { $0.descriptorLimit = 33 }) { _, address in
            for _ in 0..<20 {
                let client = try TestClient(address)
                #expect(client.isClosed())
            }
        }
        try withServer(Crowd().responder(), { $0.descriptorLimit = 1 << 20 }) { _, address in
            let answer = try visit(address)
            #expect(answer == "at home")
        }
    }
}
