package import HTTPTypes
package import ServiceInterface
import Synchronization

/// Decides from the head of a request whether its caller is answered.
package final class AccessControl: Sendable {
    private let keys: Mutex<KeyRing?>
    private let protectsHealth: Bool
    private let hosts: HostNames
    /// The rules for pages of other origins.
    package let crossOrigin: CrossOrigin

    /// Creates the rules for callers.
    ///
    /// - Parameters:
    ///   - keys: The keys of which a caller has to show one; nil if anyone may call.
    ///   - protectsHealth: Whether the paths that platforms probe need a key too.
    ///   - origins: The origins whose pages may call from a browser, written as browsers write them.
    ///   - hosts: The names of this server for callers without a key. If callers need keys, every name is taken: a page
    ///     that a false name leads here has no key to show.
    package init(
        keys: KeyRing? = nil, protectsHealth: Bool = false, origins: [String] = [], hosts: HostNames = HostNames()
    ) {
        self.hosts = keys == nil ? hosts : .all
        self.keys = Mutex(keys)
        self.protectsHealth = protectsHealth
        crossOrigin = CrossOrigin(origins: Set(origins))
    }

    /// Replaces the keys. Requests that come later are held against the new ones.
    package func replaceKeys(_ keys: KeyRing) {
        self.keys.withLock { $0 = keys }
    }

    /// Answers the question of a browser whether a page may call; nil if the request is not such a question.
    ///
    /// - Parameter methods: The methods that the path answers; nil if no endpoint has the path.
    /// - Throws: A 421 problem if `Host` holds a name that this server is not known by.
    package func preflight(_ request: IncomingRequest, for methods: [HTTPRequest.Method]?) throws(Problem) -> Response?
    {
        try hosts.check(request)
        return crossOrigin.preflight(request, for: methods)
    }

    /// Finds out who calls.
    ///
    /// - Parameters:
    ///   - isOpen: Whether the path is answered without a key. A path that no endpoint has is not open, so that callers
    ///     without a key cannot find out which paths there are.
    /// - Returns: The caller whose key the request shows.
    /// - Throws: A 403 problem for a page of another origin; a 401 problem with `WWW-Authenticate` (RFC 6750) for a key
    ///   that is missing or unknown.
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

    /// Finds out whether the caller of a path that is open to all may be answered.
    ///
    /// - Throws: A 403 problem for a page of another origin.
    package func checkPage(_ request: IncomingRequest) throws(Problem) -> Caller {
        try crossOrigin.check(request)
        return .nobody
    }

    /// The token behind `Bearer`, which may be written in any case (RFC 9110, section 11.1); nil for other schemes.
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
