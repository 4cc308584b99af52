import HTTPTypes
import ServiceInterface

/// The names by which callers may address this server in `Host`.
///
/// By DNS rebinding, a page can make its own name lead to this server's address. Its browser then takes page and server
/// for one origin, so that the page may ask and read everything. Its requests still carry that name in `Host`, however.
/// If callers need no key, the server therefore answers only to names that are known to be its own. IP addresses cannot
/// be rebound: a server that listens on all addresses of the machine takes each of them.
package struct HostNames: Sendable {
    /// Whether every name is taken.
    private var takesAll = false
    private var names: Set<String> = []
    /// The ends of names that are taken, each with its leading dot.
    private var suffixes: [String] = []

    /// Creates a list of names that are taken besides those that follow from the listeners' addresses.
    ///
    /// - Parameter texts: Host names. `*.example.org` stands for all names beneath one, `*` for every name.
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

    /// The list that takes every name.
    package static let all = HostNames(["*"])

    /// Checks the `Host` of a request.
    ///
    /// - Throws: A 421 problem for a name that is not known to be this server's.
    func check(_ request: IncomingRequest) throws(Problem) {
        // Browsers cannot call over Unix sockets, and always send a Host.
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

    /// The host of `host:port`, in lower case and without the dot that may end it.
    private static func host(of authority: String) -> String {
        var host = Substring(authority.lowercased())
        // The colons of an IPv6 address stand within brackets, and that which separates a port behind them.
        if !host.hasSuffix("]"), let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }

    /// Whether a host is an IP address as URLs write it: an IPv6 address in brackets, or four numbers.
    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { $0 != 0x2B } }
    }
}
