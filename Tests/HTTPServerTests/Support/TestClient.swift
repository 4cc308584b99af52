import Glibc
import HTTPServer

/// A client that sends just the bytes that it is told to.
///
/// `@unchecked Sendable`: one thread at a time has it.
final class TestClient: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Answer {
        let status: Int
        let fields: [(name: String, value: String)]
        let body: [UInt8]

        subscript(name: String) -> String? {
            fields.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    private let descriptor: Int32
    private var unread: [UInt8] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)

    init(_ address: ListenAddress) throws {
        switch address.bound {
        case .inOwnFolder, .inherited: preconditionFailure("a server that listens names the address it is bound to")
        case .tcp(let host, let port):
            let isIPv6 = host.contains(":")
            descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var result: Int32
            if isIPv6 {
                var name = sockaddr_in6()
                name.sin6_family = sa_family_t(AF_INET6)
                name.sin6_port = port.bigEndian
                inet_pton(AF_INET6, host, &name.sin6_addr)
                result = Self.connect(descriptor, &name)
            } else {
                var name = sockaddr_in()
                name.sin_family = sa_family_t(AF_INET)
                name.sin_port = port.bigEndian
                inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &name.sin_addr)
                result = Self.connect(descriptor, &name)
            }
            guard result == 0 else { throw Failure(description: "connect: \(errno)") }
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        case .unix(let path):
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            guard Self.connect(descriptor, &name) == 0 else { throw Failure(description: "connect: \(errno)") }
        }
        // A test that waits in vain fails instead of hanging.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        buffer.deallocate()
        close(descriptor)
    }

    private static func connect<Name>(_ descriptor: Int32, _ name: inout Name) -> Int32 {
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Name>.size))
            }
        }
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
                guard count > 0 else { throw Failure(description: "send: \(errno)") }
                sent += count
            }
        }
    }

    /// Sends chunks of the sizes given, over and over, until the body is out.
    func sendChunked(_ body: [UInt8], sizes: [Int]) throws {
        var start = 0
        var turn = 0
        while start < body.count {
            let end = min(body.count, start + sizes[turn % sizes.count])
            turn += 1
            try send(Array("\(String(end - start, radix: 16))\r\n".utf8) + body[start..<end] + Array("\r\n".utf8))
            start = end
        }
        try send("0\r\n\r\n")
    }

    /// No more is sent; answers can still be read.
    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes so that the other side sees an error instead of an end.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Reads one answer, and past `100 Continue` unless it is asked for.
    func answer(isHead: Bool = false, takesContinue: Bool = false) throws -> Answer {
        let head = try readHead()
        let lines = head.split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3))
        else { throw Failure(description: "no status line: \(head)") }
        let fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (name: String(line[..<colon]), value: String(line[colon...].dropFirst(2)))
        }
        if status == 100, !takesContinue { return try answer(isHead: isHead) }
        let length = fields.first { $0.name == "Content-Length" }.flatMap { Int($0.value) } ?? 0
        if fields.contains(where: { $0.name == "Transfer-Encoding" && $0.value == "chunked" }), !isHead {
            return Answer(status: status, fields: fields, body: try readChunks())
        }
        let hasBody = !isHead && status != 100 && status != 204 && status != 304
        return Answer(status: status, fields: fields, body: hasBody ? try read(length) : [])
    }

    /// Waits until something has come, and leaves it to be read.
    func waitForBytes() throws {
        if unread.isEmpty { try readMore() }
    }

    /// Whether the server closed the connection, and sent nothing before it did.
    func isClosed() -> Bool {
        guard unread.isEmpty else { return false }
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, 0)
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }

    private func readHead() throws -> String {
        var searched = 0
        while true {
            if unread.count >= 4 {
                for start in searched...(unread.count - 4)
                where unread[start] == 13 && unread[start + 1] == 10 && unread[start + 2] == 13
                    && unread[start + 3] == 10
                {
                    let head = String(decoding: unread[..<start], as: UTF8.self)
                    unread.removeFirst(start + 4)
                    return head
                }
                searched = unread.count - 3
            }
            try readMore()
        }
    }

    private func readChunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            var line: [UInt8] = []
            while line.suffix(2) != [13, 10] { line += try read(1) }
            guard let count = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) else {
                throw Failure(description: "no chunk size: \(line)")
            }
            body += try read(count)
            guard try read(2) == [13, 10] else { throw Failure(description: "a chunk without its end") }
            if count == 0 { return body }
        }
    }

    private func read(_ count: Int) throws -> [UInt8] {
        unread.reserveCapacity(count)
        while unread.count < count { try readMore() }
        let bytes = Array(unread[..<count])
        unread.removeFirst(count)
        return bytes
    }

    private func readMore() throws {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { unread.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        guard count > 0 else { throw Failure(description: count == 0 ? "closed" : "receive: \(errno)") }
    }
}
