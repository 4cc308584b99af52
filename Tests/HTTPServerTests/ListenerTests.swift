import Dispatch
import Glibc
import HTTPServer
import ServiceInterface
import Synchronization
import Testing

@Suite struct ListenerTests {
    /// The status of an answer; nil where the server gives none.
    private func ask(_ address: ListenAddress) -> Int? {
        guard let client = try? TestClient(address) else { return nil }
        try? client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return try? client.answer().status
    }

    @Test func listensOnAllKindsAtOnce() throws {
        try withTemporaryDirectory { directory in
            let texts = ["127.0.0.1:0", "[::1]:0", "localhost:0", "unix:\(directory)/s"]
            try withServer(.echo, { $0.listeners = texts.compactMap { try? ListenAddress($0) } }) { server, _ in
                #expect(server.addresses.count == 4)
                for address in server.addresses {
                    if case .tcp(_, let port) = address { #expect(port != 0) }
                    #expect(ask(address) == 200)
                }
            }
            #expect(access("\(directory)/s", F_OK) != 0)
        }
    }

    @Test func tellsWhichListenerARequestCameTo() throws {
        let responder = TestResponder { request in .refuse(.text(200, request.role.rawValue)) }
        let change: (inout ServerConfiguration) -> Void = { $0.adminListeners = [.tcp(host: "127.0.0.1", port: 0)] }
        try withServer(responder, change) { server, _ in
            let bodies = try server.addresses.map { address in
                let client = try TestClient(address)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return String(decoding: try client.answer().body, as: UTF8.self)
            }
            #expect(bodies == ["service", "administration"])
        }
    }

    @Test(arguments: [("", ""), ("no PEM", "no PEM")]) func refusesWhatIsNoCertificate(certificate: String, key: String)
        throws
    {
        var configuration = try ServerConfiguration.test()
        configuration.tls = TLSIdentity(certificate: certificate, key: key)
        let server = Server(configuration: configuration, responder: TestResponder.echo)
        #expect(throws: ServerError.tlsIdentity) { try server.start() }
        #expect(server.addresses.isEmpty)
    }

    @Test func takesOverASocketThatWasLeftBehind() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/s"
            let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            let result = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(result == 0)
            close(stale)
            #expect(access(path, F_OK) == 0)
            try withServer(.echo, { $0.listeners = [.unix(path: path)] }) { _, address in
                #expect(ask(address) == 200)
            }
        }
    }

    @Test func leavesASocketInUseAlone() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/s"
            try withServer(.echo, { $0.listeners = [.unix(path: path)] }) { _, address in
                var configuration = try ServerConfiguration.test()
                configuration.listeners = [address]
                let second = Server(configuration: configuration, responder: TestResponder.echo)
                #expect(throws: ServerError.pathInUse(path)) { try second.start() }
                second.stop()
                #expect(ask(address) == 200)
            }
        }
    }

    @Test func leavesAFileAlone() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/s"
            close(creat(path, 0o600))
            defer { unlink(path) }
            var configuration = try ServerConfiguration.test()
            configuration.listeners = [.unix(path: path)]
            let server = Server(configuration: configuration, responder: TestResponder.echo)
            let expected = ServerError.system(operation: "bind", address: .unix(path: path), code: EADDRINUSE)
            #expect(throws: expected) { try server.start() }
            #expect(access(path, F_OK) == 0)
        }
    }

    @Test func saysWhyItCannotListen() throws {
        try withServer(.echo) { _, address in
            let nowhere = ListenAddress.unix(path: "/nowhere/s")
            let long = "/" + String(repeating: "x", count: 200)
            let cases: [(ListenAddress, ServerError)] = [
                (address, .system(operation: "bind", address: address, code: EADDRINUSE)),
                (.unix(path: long), .pathTooLong(path: long, limit: 107)),
                (nowhere, .system(operation: "bind", address: nowhere, code: ENOENT)),
                (.tcp(host: "1.2.3.4.5", port: 0), .unresolved(host: "1.2.3.4.5", code: EAI_NONAME)),
            ]
            for (address, expected) in cases {
                var configuration = try ServerConfiguration.test()
                configuration.listeners = [.tcp(host: "127.0.0.1", port: 0), address]
                let server = Server(configuration: configuration, responder: TestResponder.echo)
                do throws(ServerError) {
                    try server.start()
                    Issue.record("started at \(address)")
                } catch {
                    if case .unresolved(let host, _) = error, case .unresolved(host, _) = expected { continue }
                    #expect(error == expected)
                }
                #expect(server.addresses.isEmpty)
            }
        }
    }

    @Test func boundsTheConnectionsOfAnAddress() throws {
        try withServer(.echo, { $0.maxConnectionsPerAddress = 2 }) { _, address in
            let first = try TestClient(address)
            let second = try TestClient(address)
            for client in [first, second] {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer().status == 200)
            }
            #expect(try TestClient(address).isClosed())
            try first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try first.answer().status == 200)
            #expect(first.isClosed())
            // The place is free once the daemon has cleaned up.
            while ask(address) != 200 {}
        }
    }

    /// The same, where no byte of a body is in.
    @Test(arguments: ["Host: a\r\nContent-Length: 9\r\n\r\n", "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n", "Ho"])
    func noticesAClientThatSendsAHeadAndCloses(fields: String) throws {
        let responder = TestResponder { _ in .receive(Recorder { _, reply in reply(.text(200, "")) }) }
        try withServer(responder, { $0.idleTimeout = 3600 }) { server, address in
            for _ in 0..<50 {
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\n\(fields)")
            }
            // All have been seen before this one.
            let last = try TestClient(address)
            try last.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            #expect(try last.answer().status == 200)
            let quiet = DispatchSemaphore(value: 0)
            server.whenQuiet { quiet.signal() }
            #expect(quiet.wait(timeout: .now() + 20) == .success)
        }
    }

    /// The close comes in the same event as the last bytes, which hides it from libmicrohttpd.
    @Test func noticesAClientThatSendsAndCloses() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        try withServer(TestResponder { _ in .receive(recorder) }, { $0.idleTimeout = 3600 }) { _, address in
            do {
                let client = try TestClient(address)
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
                try client.send([UInt8](repeating: 0, count: 600_000))
            }
            recorder.ended.wait()
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
            #expect(recorder.finishes.load(ordering: .relaxed) == 0)
        }
    }

    /// A byte now and then keeps a connection from being silent, and its request from ever being one.
    @Test func closesConnectionsWhoseRequestsDoNotArrive() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        try withServer(TestResponder { _ in .receive(recorder) }, { $0.idleTimeout = 1 }) { _, address in
            let beginnings = [
                "", "GET / HTTP/1.1\r\nHost: a\r\nX", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n",
            ]
            for (beginning, status) in zip(beginnings, [nil, 408, 408]) {
                let client = try TestClient(address)
                try client.send(beginning)
                #expect(throws: TestClient.Failure.self) {
                    while true {
                        try client.send("A")
                        usleep(50_000)
                    }
                }
                #expect((try? client.answer())?.status == status)
            }
            recorder.ended.wait()
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
        }
    }

    @Test func closesIdleConnections() throws {
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        try withServer(TestResponder { _ in .receive(recorder) }, { $0.idleTimeout = 1 }) { _, address in
            let idle = try TestClient(address)
            let slow = try TestClient(address)
            try slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
            let refusal = try slow.answer()
            #expect(refusal.status == 408)
            #expect(refusal["Connection"] == "close")
            #expect(idle.isClosed())
            #expect(slow.isClosed())
            recorder.ended.wait()
            #expect(recorder.abandons.load(ordering: .relaxed) == 1)
        }
    }
}
