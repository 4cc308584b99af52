import HTTPTypes
import ServiceInterface

/// Which pages may call from a browser that did not come from here: the CORS protocol of the Fetch standard.
struct CrossOrigin: Sendable {
    /// As browsers write them, `https://review.example:8443`.
    let origins: Set<String>

    /// Lets a page see the answer if its origin is one of those that may.
    func admit(_ request: IncomingRequest, to response: Response) -> Response {
        guard !origins.isEmpty else { return response }
        var response = response
        response.head.headerFields[.vary] = "Origin"
        guard let origin = admitted(request) else { return response }
        response.head.headerFields[.accessControlAllowOrigin] = origin
        response.head.headerFields[.accessControlExposeHeaders] = Self.exposed
        return response
    }

    /// The answer to a browser that asks on behalf of such a page before it sends a request; nil to any other request.
    func preflight(_ request: IncomingRequest, for route: Route?) -> Response? {
        guard request.head.method == .options, let route, let origin = admitted(request),
            request.head.headerFields[.accessControlRequestMethod] != nil
        else { return nil }
        return Response(
            HTTPResponse(
                status: .noContent,
                headerFields: [
                    .vary: "Origin", .accessControlAllowOrigin: origin,
                    .accessControlAllowMethods: route.methods.map(\.rawValue).joined(separator: ", "),
                    .accessControlAllowHeaders: Self.allowed, .accessControlMaxAge: "600",
                ]))
    }

    private func admitted(_ request: IncomingRequest) -> String? {
        guard request.role == .service, let origin = request.head.headerFields[.origin] else { return nil }
        return origins.contains(origin) ? origin : nil
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
