/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0` or `unix:/run/segscore.sock`, `fd:3` for a
/// socket that listens already, or `private` for a Unix socket in a folder of its own.
package indirect enum ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A host name or an IP address without brackets. With port 0 the system chooses a port.
    case tcp(host: String, port: UInt16)
    case unix(path: String)
    /// A Unix socket in a new folder, which nobody but this user can look into and which ends with the server.
    case inOwnFolder
    /// A listening socket that whoever started the process has opened, and the address that it is bound to.
    case inherited(descriptor: Int32, ListenAddress)

    /// Reads an address as people write it.
    ///
    /// - Throws: ``ServerError/malformedAddress(_:)``, or ``ServerError/notListening(descriptor:)`` for a descriptor
    ///   that is none of a listening socket.
    package init(_ text: String) throws(ServerError) {
        if text == "private" {
            self = .inOwnFolder
            return
        }
        if text.hasPrefix("fd:") {
            guard let descriptor = Int32(text.dropFirst(3)), descriptor >= 0 else { throw .malformedAddress(text) }
            guard let address = Self.boundAddress(of: descriptor) else { throw .notListening(descriptor: descriptor) }
            self = .inherited(descriptor: descriptor, address)
            return
        }
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

    /// The address that the socket is bound to, whoever opened it.
    package var bound: ListenAddress {
        if case .inherited(_, let address) = self { address } else { self }
    }

    var isTCP: Bool {
        if case .tcp = bound { true } else { false }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        case .inOwnFolder: "private"
        case .inherited(_, let address): address.description
        }
    }
}
