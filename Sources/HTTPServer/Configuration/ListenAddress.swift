/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0` or `unix:/run/segscore.sock`.
package enum ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A host name or an IP address without brackets. With port 0 the system chooses a port.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// Reads an address as people write it.
    ///
    /// - Throws: ``ServerError/malformedAddress(_:)``.
    package init(_ text: String) throws(ServerError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, !path.utf8.contains(0) else { throw .malformedAddress(text) }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw .malformedAddress(text) }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        guard let port = UInt16(digits), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .malformedAddress(text)
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { throw .malformedAddress(text) }
        } else if host.contains(":") {
            // Without brackets, nothing tells the last group of an IPv6 address from a port.
            throw .malformedAddress(text)
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            throw .malformedAddress(text)
        }
        self = .tcp(host: String(host), port: port)
    }

    var isTCP: Bool {
        if case .tcp = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
