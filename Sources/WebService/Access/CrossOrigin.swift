import HTTPTypes
package import ServiceInterface

/// Which pages may call from a browser that did not come from here: the CORS protocol of the Fetch standard, and more: a page that was
/// not named cannot even have a request done whose answer it may not read.
package struct CrossOrigin: Sendable {
    /// As browsers write them, `https://review.example:8443`.
    let origins: Set<String>

    /// Lets a page see the answer if its origin is one of those that may.
    package func admit(_ request: IncomingRequest, to response: Response) -> Response {
        guard !origins.isEmpty else { return response }
        var response = response
        response.head.headerFields[.vary] = "Origin"
        guard let origin = admitted(request) else { return response }
        response.head.headerFields[.accessControlAllowOrigin] = origin
        response.head.headerFields[.accessControlExposeHeaders] = Self.exposed
        return response
    }

    /// The answer to a browser that asks on behalf of such a page before it sends a request; nil to any other request.
    ///
    /// - Parameter methods: Those that the path answers; nil if nothing has the path.
    func preflight(_ request: IncomingRequest, for methods: [HTTPRequest.Method]?) -> Response? {
        guard request.head.method == .options, let methods, let origin = admitted(request),
            request.head.headerFields[.accessControlRequestMethod] != nil
        else { return nil }
        return Response(
            HTTPResponse(
                status: .noContent,
                headerFields: [
                    .vary: "Origin", .accessControlAllowOrigin: origin,
                    .accessControlAllowMethods: methods.map(\.rawValue).joined(separator: ", "),
                    .accessControlAllowHeaders: Self.allowed, .accessControlMaxAge: "600",
                ]))
    }

    /// Refuses what a page of another origin asks for, be it a form that it sends or a picture that it shows.
    ///
    /// Only browsers write `Origin` and `Sec-Fetch-Site` so that pages cannot change them; whoever else calls has neither. To follow a link
    /// is not refused: what comes is shown, and the page that has the link cannot read it.
    ///
    /// - Throws: 403.
    func check(_ request: IncomingRequest) throws(Problem) {
        let fields = request.head.headerFields
        let site = fields[.secFetchSite]
        // Then the origin is ours, by whatever name a proxy passes on.
        guard site != "same-origin", site != "none" else { return }
        let origin = fields[.origin]
        if let origin, isOwn(origin, request) || isNamed(origin, request) { return }
        guard origin != nil || (site == "cross-site" && !isLink(request) && !isShown(request)) else { return }
        throw Problem(
            .foreignOrigin, "Pages of another origin may call only where --allow-origin names it.",
            parameter: origin == nil ? "Sec-Fetch-Site" : "Origin",
            expected: "an origin that the server was given, or a caller that is no page", actual: origin ?? site)
    }

    /// Whether the origin is the host that was asked. A proxy may have ended TLS, so the scheme says nothing.
    private func isOwn(_ origin: String, _ request: IncomingRequest) -> Bool {
        guard let authority = request.head.authority?.lowercased() else { return false }
        return [("http://", ":80"), ("https://", ":443")].contains { scheme, port in
            guard origin.hasPrefix(scheme) else { return false }
            let host = origin.dropFirst(scheme.count)
            return host == authority || host + port == authority
        }
    }

    /// Whether a person goes to the path itself.
    private func isLink(_ request: IncomingRequest) -> Bool {
        let fields = request.head.headerFields
        return [.get, .head].contains(request.head.method) && fields[.secFetchMode] == "navigate"
            && fields[.secFetchDest] == "document"
    }

    /// Whether a page whose origin was named shows a picture, which browsers ask for without an `Origin`.
    private func isShown(_ request: IncomingRequest) -> Bool {
        guard let referer = request.head.headerFields[.referer] else { return false }
        let parts = referer.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count >= 3 && isNamed(parts.prefix(3).joined(separator: "/"), request)
    }

    private func isNamed(_ origin: String, _ request: IncomingRequest) -> Bool {
        request.role == .service && origins.contains(origin)
    }

    private func admitted(_ request: IncomingRequest) -> String? {
        guard let origin = request.head.headerFields[.origin] else { return nil }
        return isNamed(origin, request) ? origin : nil
    }

    private static let allowed = """
        Authorization, Content-Type, Content-Encoding, Prefer, Accept, Range, If-Range, If-None-Match, Idempotency-Key, \
        X-Request-Id, Inference-Header-Content-Length
        """

    private static let exposed = """
        Location, Retry-After, ETag, Preference-Applied, Accept-Ranges, Content-Range, WWW-Authenticate, X-Request-Id, \
        Inference-Header-Content-Length
        """
}

extension HTTPField.Name {
    fileprivate static let secFetchSite = Self.known("Sec-Fetch-Site")
    fileprivate static let secFetchMode = Self.known("Sec-Fetch-Mode")
    fileprivate static let secFetchDest = Self.known("Sec-Fetch-Dest")
}
