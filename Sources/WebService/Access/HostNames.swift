import HTTPTypes
import ServiceInterface

/// The names that callers may know this server by, as their `Host` says.
///
/// A page whose name is made to lead here, by DNS rebinding, is of one origin with this server as far as its browser can tell, and so
/// may ask and read everything. But its requests name it in `Host`. So where callers need no key, a name counts only if it is known to be
/// ours. An IP address is nobody's to rebind: where the server listens on all addresses of the machine, all are taken.
package struct HostNames: Sendable {
    /// Whether any name will do.
    private var takesAll = false
    private var names: Set<String> = []
    /// With the dot ahead.
    private var suffixes: [String] = []

    /// Names besides those that listeners have by themselves.
    ///
    /// - Parameter texts: Host names; `*.example.org` for all beneath one, `*` for any.
    package init(_ texts: [String] = []) {
        for text in texts.map({ $0.lowercased() }) {
            if text == "*" {
                takesAll = true
            } else if text.hasPrefix("*.") {
                suffixes.append(String(text.dropFirst()))
            } else {
                names.insert(text)
            }
        }
    }

    /// Any name.
    package static let all = HostNames(["*"])

    /// - Throws: 421 for a name that may be another's.
    func check(_ request: IncomingRequest) throws(Problem) {
        // Browsers do not come by Unix sockets, and always say which host they ask.
        guard !takesAll, let listeningHost = request.listeningHost?.lowercased(),
            let authority = request.head.authority, !authority.isEmpty
        else { return }
        let host = Self.host(of: authority)
        guard !isOurs(host, listeningHost) else { return }
        throw Problem(
            .unknownHost,
            "This server does not know itself by the name \"\(host)\"; --allow-host has it take it.", parameter: "Host",
            expected: "localhost, an address that the server listens on, or a name that it was given", actual: host)
    }

    private func isOurs(_ host: String, _ listeningHost: String) -> Bool {
        if ["localhost", "[::1]", listeningHost, "[\(listeningHost)]"].contains(host) { return true }
        if names.contains(host) || suffixes.contains(where: host.hasSuffix) { return true }
        guard Self.isAddress(host) else { return false }
        return host.hasPrefix("127.") || ["0.0.0.0", "::"].contains(listeningHost)
    }

    /// The host of `host:port`, in small letters and without the dot that may end it.
    private static func host(of authority: String) -> String {
        var host = Substring(authority.lowercased())
        // The colons of an IPv6 address stand in brackets.
        if !host.hasSuffix("]"), let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }

    /// Whether a host is an IP address, as URLs have them: an IPv6 address in brackets, or four numbers.
    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { $0 != 0x2B } }
    }
}
