import Dispatch
import Glibc
import HTTPServer
import HTTPTypes
import Logging
import Memory
import ServiceInterface
import Synchronization

struct TestResponder: Responder {
    let action: @Sendable (IncomingRequest) -> Reception

    func respond(to request: IncomingRequest) -> Reception { action(request) }

    /// Answers with the body that came.
    static let echo = TestResponder { _ in .receive(Recorder { body, reply in reply(.bytes(body)) }) }
}

/// Keeps a body, and counts how it ended.
final class Recorder: BodySink, @unchecked Sendable {
    private let action: (_ body: [UInt8], _ reply: @escaping @Sendable (Response) -> Void) -> Void
    private var body: [UInt8] = []
    let finishes = Atomic(0)
    let abandons = Atomic(0)
    let began = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    let left = DispatchSemaphore(value: 0)
    let endsWithItsClient: Bool

    init(
        endsWithItsClient: Bool = false,
        _ action: @escaping (_ body: [UInt8], _ reply: @escaping @Sendable (Response) -> Void) -> Void
    ) {
        self.endsWithItsClient = endsWithItsClient
        self.action = action
    }

    func receive(_ bytes: borrowing Span<UInt8>) {
        bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
        began.signal()
    }

    func finish(_ reply: @escaping @Sendable (Response) -> Void) {
        finishes.add(1, ordering: .relaxed)
        action(body, reply)
        ended.signal()
    }

    func abandon() {
        abandons.add(1, ordering: .relaxed)
        ended.signal()
    }

    func clientLeft() {
        left.signal()
    }
}

extension Response {
    static func text(_ status: Int, _ text: String) -> Response {
        bytes(Array(text.utf8), status: status)
    }

    static func bytes(_ bytes: [UInt8], status: Int = 200) -> Response {
        var body = ResponseBody()
        if let buffer = try? Buffer(bytes) { body.append(buffer) }
        let head = HTTPResponse(status: .init(code: status), headerFields: [.contentType: "text/plain"])
        return Response(head, body: body)
    }
}

extension ServerConfiguration {
    static func test(_ listeners: [String] = ["127.0.0.1:0"]) throws -> ServerConfiguration {
        let addresses = try listeners.map { try ListenAddress($0) }
        return ServerConfiguration(listeners: addresses, logger: Logger(label: "test")) { refusal in
            switch refusal {
            case .malformed: .text(400, "malformed")
            case .unsupportedTransferCoding: .text(501, "transfer coding")
            case .unsupportedVersion: .text(505, "version")
            case .targetTooLong(let limit): .text(414, "target \(limit)")
            case .headerTooLarge(let limit): .text(431, "header \(limit)")
            case .bodyTooLarge(let limit): .text(413, "body \(limit)")
            case .timedOut: .text(408, "timed out")
            case .unavailable: .text(503, "unavailable")
            }
        }
    }
}

/// Two threads, and buffers that many connections can have.
func small(_ configuration: inout ServerConfiguration) {
    configuration.threads = 2
    configuration.connectionBufferBytes = 64 << 10
}

/// Runs a server for the length of a test.
func withServer<Result>(
    _ responder: TestResponder, _ change: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (Server, ListenAddress) throws -> Result
) throws -> Result {
    var configuration = try ServerConfiguration.test()
    change(&configuration)
    let server = Server(configuration: configuration, responder: responder)
    try server.start()
    defer { server.stop() }
    return try body(server, server.addresses[0])
}

/// A path for a Unix socket in a directory of its own, which goes when the body ends.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/segscore.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw TestClient.Failure(description: "mkdtemp: \(errno)")
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { rmdir(path) }
    return try body(path)
}

/// Bytes that repeat with a prime period, which no buffer size has.
func pattern(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += patternPeriod.prefix(count - bytes.count) }
    return bytes
}

private let patternPeriod = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

/// Compares as `==` does, which an unoptimized build does slowly.
func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && memcmp(a, b, a.count) == 0
}
