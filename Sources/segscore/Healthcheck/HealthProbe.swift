import Glibc
import HTTPServer

/// An HTTP client that asks a server one question over its socket, which is all that a health check needs.
struct HealthProbe {
    private let address: ListenAddress
    private static let timeout = timeval(tv_sec: 3, tv_usec: 0)

    /// - Parameters:
    ///   - address: The address as the server was told it; the wildcard addresses stand for this machine.
    init(_ address: ListenAddress) {
        self.address =
            switch address.bound {
            case .tcp("0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
            case .tcp("::", let port): .tcp(host: "::1", port: port)
            default: address.bound
            }
    }

    /// The status of the answer to a GET; nil if there was none within three seconds.
    ///
    /// - Throws: ``ServerError/unresolved(host:code:)`` or ``ServerError/pathTooLong(path:limit:)``.
    func status(of path: String) throws(ServerError) -> Int? {
        guard let descriptor = try connect() else { return nil }
        defer { close(descriptor) }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return nil
        }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = unsafe recv(descriptor, &answer, answer.count, Int32(MSG_WAITALL))
        guard count > 0 else { return nil }
        let words = String(decoding: answer.prefix(count), as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    private func connect() throws(ServerError) -> Int32? {
        switch address {
        // The server alone knows where it is.
        case .inOwnFolder, .inherited: return nil
        case .unix(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            let capacity = MemoryLayout.size(ofValue: name.sun_path) - 1
            guard path.utf8.count <= capacity else { throw .pathTooLong(path: path, limit: capacity) }
            unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            return unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe connect(AF_UNIX, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        case .tcp(let host, let port):
            var hints = unsafe addrinfo()
            unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            let code = unsafe getaddrinfo(host, String(port), &hints, &found)
            guard code == 0, let first = unsafe found else { throw .unresolved(host: host, code: code) }
            defer { unsafe freeaddrinfo(first) }
            var candidate: UnsafeMutablePointer<addrinfo>? = unsafe first
            while let info = unsafe candidate?.pointee {
                if let descriptor = unsafe connect(info.ai_family, info.ai_addr, info.ai_addrlen) { return descriptor }
                unsafe candidate = info.ai_next
            }
            return nil
        }
    }

    private func connect(_ family: Int32, _ name: UnsafePointer<sockaddr>?, _ size: socklen_t) -> Int32? {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var timeout = Self.timeout
        let timeoutSize = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, timeoutSize)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, timeoutSize)
        guard unsafe Glibc.connect(descriptor, name, size) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
