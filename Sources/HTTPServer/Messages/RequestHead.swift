import HTTPTypes
import ServiceInterface

/// The head of a request, checked against the rules of RFC 9112 that decide where its body ends.
struct RequestHead {
    /// The size of a body, as the head announces it.
    enum BodyLength: Equatable {
        case none
        case known(UInt64)
        /// The body is chunked.
        case unknown
    }

    let request: HTTPRequest
    let bodyLength: BodyLength
    /// Whether the client waits for `100 Continue` before it sends the body.
    let expectsContinue: Bool

    /// Checks a head.
    ///
    /// - Parameters:
    ///   - fields: The fields as they came over the wire.
    ///   - target: The target as it came; nil if it contains a byte that no target may contain.
    /// - Throws: ``ServerRefusal/malformed`` or ``ServerRefusal/unsupportedTransferCoding``.
    init(
        method: String, target: String?, version: String, fields: HTTPFields, scheme: String
    ) throws(ServerRefusal) {
        guard let method = HTTPRequest.Method(method), let target else { throw .malformed }
        bodyLength = try Self.bodyLength(fields, version: version)
        expectsContinue =
            version != "HTTP/1.0" && fields[values: .expect].contains { $0.lowercased() == "100-continue" }

        // RFC 9112, section 3.2: exactly one Host, which only HTTP/1.0 may leave out.
        let hosts = fields[values: .hostField]
        guard hosts.count == 1 || (hosts.isEmpty && version == "HTTP/1.0"), hosts.allSatisfy(Self.isAuthority) else {
            throw .malformed
        }
        var authority = hosts.first
        var path = target
        if let (host, rest) = Self.absoluteForm(target) {
            guard Self.isAuthority(host) else { throw .malformed }
            authority = host
            path = rest
        } else if !target.hasPrefix("/"), target != "*", method != .connect {
            throw .malformed
        }
        var others = fields
        others[.hostField] = nil
        request = HTTPRequest(method: method, scheme: scheme, authority: authority, path: path, headerFields: others)
    }

    /// The size of the body by RFC 9112, section 6.3. A head that two recipients might read in two ways is refused,
    /// since it could smuggle a request past a proxy.
    private static func bodyLength(_ fields: HTTPFields, version: String) throws(ServerRefusal) -> BodyLength {
        let codings = fields[values: .transferEncoding]
        let lengths = fields[values: .contentLength]
        guard codings.isEmpty else {
            guard codings.count == 1, lengths.isEmpty, version != "HTTP/1.0" else { throw .malformed }
            guard codings[0].lowercased() == "chunked" else { throw .unsupportedTransferCoding }
            return .unknown
        }
        guard let text = lengths.first else { return .none }
        guard lengths.count == 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = UInt64(text) else {
            throw .malformed
        }
        return length == 0 ? .none : .known(length)
    }

    /// Splits `http://host/path`, which clients send to proxies (RFC 9112, section 3.2.2).
    private static func absoluteForm(_ target: String) -> (authority: String, path: String)? {
        for scheme in ["http://", "https://"]
        where target.utf8.count > scheme.utf8.count && target.prefix(scheme.count).lowercased() == scheme {
            let rest = target.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            let path = rest[end...]
            return (String(rest[..<end]), path.hasPrefix("/") ? String(path) : "/\(path)")
        }
        return nil
    }

    private static func isAuthority(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"/\@,?#"<>"#.utf8.contains($0) }
    }
}

extension HTTPField.Name {
    static let requestID = known("X-Request-Id")
    static let traceParent = known("traceparent")

    /// The Host field. swift-http-types hides its own name for it, because a request has an `authority` instead.
    static let hostField = known("Host")
}
