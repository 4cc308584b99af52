import HTTPServer
import Testing

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)),
        ("[::1]:0", .tcp(host: "::1", port: 0)),
        ("localhost:65535", .tcp(host: "localhost", port: 65535)),
        ("unix:/run/s.sock", .unix(path: "/run/s.sock")),
        ("unix:relative:1", .unix(path: "relative:1")),
    ])
    func readsWhatItWrites(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.0.9:1", true), ("[::1]:1", true), ("localhost:1", true), ("unix:/s", true),
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
        "unix:/a\u{0}b", "ä:1",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(throws: ServerError.malformedAddress(text)) { try ListenAddress(text) }
    }
}
