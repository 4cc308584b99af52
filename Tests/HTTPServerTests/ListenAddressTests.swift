import Glibc
import HTTPServer
import Testing

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)),
        ("[::1]:0", .tcp(host: "::1", port: 0)),
        ("localhost:65535", .tcp(host: "localhost", port: 65535)),
        ("unix:/run/s.sock", .unix(path: "/run/s.sock")),
        ("unix:relative:1", .unix(path: "relative:1")),
        ("private", .inOwnFolder),
    ])
    func readsWhatItWrites(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.0.9:1", true), ("[::1]:1", true), ("localhost:1", true), ("unix:/s", true),
        ("private", true),
        ("0.0.0.0:1", false), ("[::]:1", false), ("128.0.0.1:1", false), ("126.0.0.1:1", false), ("[::2]:1", false),
        ("[fe80::1]:1", false), ("[::ffff:127.0.0.1]:1", false), ("example:1", false), ("127.1:1", false),
        ("localhost.example:1", false),
    ])
    func tellsWhatOnlyThisMachineCanReach(text: String, isLoopback: Bool) throws {
        #expect(try ListenAddress(text).isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", ":", "8080", ":8080", "localhost", "localhost:", "localhost:x", "localhost:-1", "localhost:+1",
        "localhost:65536", "::1:8080", "[::1]", "[::1:8080", "[]:1", "[a]:1", "a b:1", "http://a:1", "unix:",
        "unix:/a\u{0}b", "ä:1", "fd:", "fd:x", "fd:-1", "fd:99999999999",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(throws: ServerError.malformedAddress(text)) { try ListenAddress(text) }
    }

    @Test(arguments: [true, false]) func findsWhereADescriptorListens(isUnix: Bool) throws {
        let descriptor = socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let text = "fd:\(descriptor)"
        #expect(throws: ServerError.notListening(descriptor: descriptor)) { try ListenAddress(text) }
        // A socket that listens without having been bound gets a port, or no name at all.
        if isUnix {
            var name = sockaddr()
            name.sa_family = sa_family_t(AF_UNIX)
            try #require(bind(descriptor, &name, 2) == 0)
        }
        try #require(listen(descriptor, 1) == 0)
        let address = try ListenAddress(text)
        guard case .inherited(descriptor, let bound) = address else {
            Issue.record("\(address)")
            return
        }
        #expect(address.bound == bound)
        #expect(address.description == bound.description)
        #expect(address.isLoopback == isUnix)
        if case .tcp(let host, let port) = bound {
            #expect(host == "0.0.0.0" && port > 0)
        } else {
            #expect(isUnix)
        }
    }

    @Test func refusesDescriptorsOfOtherThings() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { for descriptor in ends + [datagrams] { close(descriptor) } }
        for descriptor in ends + [datagrams, 1 << 20] {
            #expect(throws: ServerError.notListening(descriptor: descriptor)) {
                try ListenAddress("fd:\(descriptor)")
            }
        }
    }
}
