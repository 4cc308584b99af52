package import HTTPTypes
package import ServiceInterface
import Synchronization

/// Decides who is answered, from the head of a request alone.
package final class AccessControl: Sendable {
    private let keys: Mutex<KeyRing?>
    private let protectsHealth: Bool
    private let hosts: HostNames
    package let crossOrigin: CrossOrigin

    /// - Parameters:
    ///   - keys: What callers have to show one of; nil to let anyone call.
    ///   - protectsHealth: Has even what platforms' probes ask need a key.
    ///   - origins: Whose pages may call from a browser, as that writes them.
    ///   - hosts: What the server is called by those who need no key. Where all need one, no page can call that has none.
    package init(
        keys: KeyRing? = nil, protectsHealth: Bool = false, origins: [String] = [], hosts: HostNames = HostNames()
    ) {
        self.hosts = keys == nil ? hosts : .all
        self.keys = Mutex(keys)
        self.protectsHealth = protectsHealth
        crossOrigin = CrossOrigin(origins: Set(origins))
    }

    /// Takes other keys from the next request on.
    package func replaceKeys(_ keys: KeyRing) {
        self.keys.withLock { $0 = keys }
    }

    /// The answer to a browser that asks whether a page may call; nil to any other request.
    ///
    /// - Parameter methods: Those that the path answers; nil if nothing has the path.
    /// - Throws: 421 for a `Host` that may be another's.
    package func preflight(_ request: IncomingRequest, for methods: [HTTPRequest.Method]?) throws(Problem) -> Response?
    {
        try hosts.check(request)
        return crossOrigin.preflight(request, for: methods)
    }

    /// - Parameters:
    ///   - isOpen: Whether the path is answered without a key. One that nothing has is not: a caller without a key is not told so.
    /// - Returns: Who asks.
    /// - Throws: 403 for a page of another origin, 401 with `WWW-Authenticate` (RFC 6750).
    package func check(_ request: IncomingRequest, isOpen: Bool) throws(Problem) -> Caller {
        try crossOrigin.check(request)
        guard request.role == .service else { return .nobody }
        guard let keys = keys.withLock({ $0 }) else { return .anyone }
        if isOpen, !protectsHealth { return .nobody }
        let credentials = request.head.headerFields[values: .authorization]
        guard let token = credentials.lazy.compactMap(Self.bearerToken).first else { throw .keyMissing }
        guard credentials.count == 1, let caller = keys.caller(token.utf8) else { throw .keyUnknown }
        return caller
    }

    /// The token behind `Bearer`, in any case (RFC 9110 11.1); nil for other schemes.
    private static func bearerToken(_ credentials: String) -> Substring? {
        let scheme = credentials.prefix { $0 != " " }
        guard scheme.lowercased() == "bearer" else { return nil }
        return credentials[scheme.endIndex...].drop { $0 == " " }
    }
}

extension Problem {
    fileprivate static let keyMissing = unauthorized(
        "This needs a key, and the request has none.", #"Bearer realm="segscore""#)

    fileprivate static let keyUnknown = unauthorized(
        "The key is none of those that this server takes.", #"Bearer realm="segscore", error="invalid_token""#)

    private static func unauthorized(_ detail: String, _ challenge: String) -> Problem {
        Problem(
            .unauthorized, detail, parameter: "Authorization", expected: "Bearer KEY"
        ).with(.wwwAuthenticate, challenge)
    }
}
