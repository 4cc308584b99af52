import Dispatch
import Glibc
import HTTPServer
import HTTPTypes
import ServiceInterface
import Synchronization
import Testing

@Suite struct DrainTests {
    /// Addresses that no other test listens on, so that nobody takes over a port that was just given up.
    private static let ownAddresses = (2...5).map { ListenAddress.tcp(host: "127.0.0.\($0)", port: 0) }

    @Test func finishesWhatIsUnderWayAndTakesNoMore() throws {
        let reply = Mutex<(@Sendable (Response) -> Void)?>(nil)
        let arrived = DispatchSemaphore(value: 0)
        let responder = TestResponder { request in
            guard request.head.path == "/slow" else { return .refuse(.text(200, "quick")) }
            return .receive(
                Recorder { _, answer in
                    reply.withLock { $0 = answer }
                    arrived.signal()
                })
        }
        try withServer(responder, { ($0.threads, $0.listeners) = (2, [Self.ownAddresses[0]]) }) { server, address in
            let idle = try TestClient(address)
            try idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try idle.answer()["Connection"] == nil)
            let slow = try TestClient(address)
            try slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            arrived.wait()
            server.stopAccepting()
            server.stopAccepting()

            #expect(throws: TestClient.Failure.self) { try TestClient(address) }
            // The idle connection's request ends a moment after its answer is out.
            while server.inFlight > 1 {}
            #expect(server.inFlight == 1)
            let quiet = DispatchSemaphore(value: 0)
            server.whenQuiet { quiet.signal() }
            #expect(quiet.wait(timeout: .now()) == .timedOut)

            // A connection from before gets one more answer.
            try idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try idle.answer()["Connection"] == "close")
            #expect(idle.isClosed())

            reply.withLock { $0?(.text(200, "finished")) }
            let answer = try slow.answer()
            #expect(answer.body == Array("finished".utf8))
            #expect(answer["Connection"] == "close")
            quiet.wait()
            #expect(server.inFlight == 0)
        }
    }

    /// The system resets those that wait in its queue when listening ends.
    @Test(arguments: [1, 2]) func acceptsWhoHasConnected(threads: Int) throws {
        let address = Self.ownAddresses[threads + 1]
        try withServer(.echo, { ($0.threads, $0.listeners) = (threads, [address]) }) { server, address in
            let clients = try (0..<200).map { _ in try TestClient(address) }
            server.stopAccepting()
            for client in clients {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer().status == 200)
            }
            #expect(throws: TestClient.Failure.self) { try TestClient(address) }
        }
    }

    /// A request that is on its way when the last one ends is answered.
    @Test func waitsForTheLastRequests() throws {
        try withServer(.echo) { server, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().status == 200)
            server.stopAccepting()
            let isOver = DispatchSemaphore(value: 0)
            DispatchQueue.global().async {
                server.awaitLastRequests(until: .now() + 60)
                isOver.signal()
            }
            #expect(isOver.wait(timeout: .now() + 0.05) == .timedOut)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()["Connection"] == "close")
            #expect(client.isClosed())
            isOver.wait()

            // One that is silent is not waited for, nor is anything beyond the deadline.
            server.awaitLastRequests(until: .now())
        }
    }

    @Test func isQuietAtOnceWithoutRequests() throws {
        try withServer(.echo) { server, _ in
            let quiet = DispatchSemaphore(value: 0)
            server.whenQuiet { quiet.signal() }
            #expect(quiet.wait(timeout: .now()) == .success)
        }
    }

    @Test func stopsTwiceAndUnstarted() throws {
        try withServer(.echo, { $0.listeners = [Self.ownAddresses[1]] }) { server, address in
            server.stop()
            server.stop()
            #expect(server.addresses.isEmpty)
            #expect(throws: TestClient.Failure.self) { try TestClient(address) }
        }
        Server(configuration: try .test(), responder: TestResponder.echo).stop()
    }

    @Test func drainsUnderLoad() throws {
        for _ in 0..<10 {
            try withServer(.echo, small) { server, address in
                let clients = try (0..<8).map { _ in try TestClient(address) }
                // Each is connected for sure, not only in the backlog.
                for client in clients {
                    try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try client.answer().status == 200)
                }
                let ends = Mutex<[String]>([])
                DispatchQueue.concurrentPerform(iterations: clients.count + 1) { turn in
                    guard turn > 0 else { return server.stopAccepting() }
                    let client = clients[turn - 1]
                    do {
                        while true {
                            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                            if try client.answer()["Connection"] == "close" { break }
                        }
                    } catch {
                        ends.withLock { $0.append("\(error)") }
                    }
                }
                #expect(ends.withLock { $0 } == [])
            }
        }
    }
}
