import HTTPTypes
package import ServiceInterface

/// Decides which pages of other origins may call from a browser.
///
/// This is the CORS protocol of the Fetch standard and more. CORS keeps a page from reading an answer; here a page
/// whose origin was not named is also kept from having the request carried out.
package struct CrossOrigin: Sendable {
    /// The origins that may call, as browsers write them, such as `https://review.example:8443`.
    let origins: Set<String>

    /// Lets a page read the answer if its origin is one of those that may call.
    package func admit(_ request: IncomingRequest, to response: Response) -> Response {
        guard !origins.isEmpty else { return response }
        var response = response
        response.head.headerFields[.vary] = "Origin"
        guard let origin = admitted(request) else { return response }
        response.head.headerFields[.accessControlAllowOrigin] = origin
        response.head.headerFields[.accessControlExposeHeaders] = Self.exposed
        return response
    }

    /// Answers the question that a browser sends ahead of a page's request (a preflight); nil if the request is none,
    /// or if the page's origin may not call.
    ///
    /// - Parameter methods: The methods that the path answers; nil if no endpoint has the path.
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

    /// Refuses requests that a page of another origin makes, for example by sending a form or showing a picture.
    ///
    /// Browsers write `Origin` and `Sec-Fetch-Site` so that pages cannot change them, and other clients send neither.
    /// Following a link is allowed: the browser shows the answer to the person, and the page that has the link cannot
    /// read it.
    ///
    /// - Throws: A 403 problem if the page's origin may not call.
    func check(_ request: IncomingRequest) throws(Problem) {
        let fields = request.head.headerFields
        let site = fields[.secFetchSite]
        // In both cases the page is ours, whatever name a proxy has put into `Host`.
        guard site != "same-origin", site != "none" else { return }
        let origin = fields[.origin]
        if let origin, isOwn(origin, request) || isNamed(origin, request) { return }
        guard origin != nil || (site == "cross-site" && !isLink(request) && !isShown(request)) else { return }
        throw Problem(
            .foreignOrigin, "Pages of another origin may call only where --allow-origin names it.",
            parameter: origin == nil ? "Sec-Fetch-Site" : "Origin",
            expected: "an origin that the server was given, or a caller that is no page", actual: origin ?? site)
    }

    /// Whether the origin is the host that was asked. Only the host is compared, since a proxy may have ended TLS and
    /// thereby changed the scheme.
    private func isOwn(_ origin: String, _ request: IncomingRequest) -> Bool {
        guard let authority = request.head.authority?.lowercased() else { return false }
        return [("http://", ":80"), ("https://", ":443")].contains { scheme, port in
            guard origin.hasPrefix(scheme) else { return false }
            let host = origin.dropFirst(scheme.count)
            return host == authority || host + port == authority
        }
    }

    /// Whether a person follows a link to the path itself, rather than a page loading it.
    private func isLink(_ request: IncomingRequest) -> Bool {
        let fields = request.head.headerFields
        return [.get, .head].contains(request.head.method) && fields[.secFetchMode] == "navigate"
            && fields[.secFetchDest] == "document"
    }

    /// Whether a page whose origin may call shows a picture. Browsers ask for pictures without an `Origin`, so the
    /// `Referer` decides.
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
        Authorization, Content-Type, Content-Encoding, Prefer, Accept, Range, If-Range, If-None-Match, \
        Idempotency-Key, X-Request-Id, Inference-Header-Content-Length
        """

    private static let exposed = """
        Location, Retry-After, ETag, Preference-Applied, Accept-Ranges, Content-Range, WWW-Authenticate, \
        X-Request-Id, Inference-Header-Content-Length
        """
}

extension HTTPField.Name {
    fileprivate static let secFetchSite = Self.known("Sec-Fetch-Site")
    fileprivate static let secFetchMode = Self.known("Sec-Fetch-Mode")
    fileprivate static let secFetchDest = Self.known("Sec-Fetch-Dest")
}
