import Codecs
package import HTTPTypes
import Memory
package import ServiceInterface

extension Response {
    /// Creates a response that names the media type of its body.
    package init(_ status: HTTPResponse.Status = .ok, _ type: MediaType, _ body: ResponseBody) {
        self.init(HTTPResponse(status: status, headerFields: [.contentType: type.rawValue]), body: body)
    }

    /// Creates a response from bytes.
    ///
    /// - Throws: A 503 problem if memory is short.
    package static func bytes(
        _ status: HTTPResponse.Status = .ok, _ type: MediaType, _ bytes: [UInt8]
    ) throws(Problem) -> Response {
        do throws(MemoryError) {
            return Response(status, type, try ResponseBody(copying: bytes))
        } catch {
            throw Problem(error)
        }
    }

    /// Creates a response from a JSON document.
    ///
    /// - Parameters:
    ///   - otherBytes: The size of what else is held for the document until it is sent and counted nowhere yet, in
    ///     bytes.
    ///   - write: Writes the document.
    /// - Throws: A 503 problem if memory is short.
    package static func json(
        status: HTTPResponse.Status = .ok, holding otherBytes: Int = 0, _ write: (inout JSONWriter) -> Void
    ) throws(Problem) -> Response {
        var document = JSONWriter()
        write(&document)
        do throws(MemoryError) {
            return Response(status, .json, try document.pieces.body(holding: otherBytes))
        } catch {
            throw Problem(error)
        }
    }

    /// The answer to a request that has had its effect. If there is no memory for the few hundred bytes of the
    /// document, the status goes out alone, because an error would tell the client that nothing was done.
    package static func done(_ status: HTTPResponse.Status, _ write: (inout JSONWriter) -> Void) -> Response {
        (try? json(status: status, write)) ?? Response(HTTPResponse(status: status))
    }

    /// The response as that of a resource that never changes. It gets a strong validator, and is sent in part or not at
    /// all if the request says that this suffices (RFC 9110, sections 13 and 14).
    ///
    /// - Parameters:
    ///   - tag: The entity tag, without its quotes.
    ///   - request: The head of the request that is answered.
    package func immutable(tag: String, for request: HTTPRequest) -> Response {
        let entityTag = "\"\(tag)\""
        var result = self
        result.head.headerFields[.eTag] = entityTag
        result.head.headerFields[.acceptRanges] = "bytes"
        if let known = request.headerFields[.ifNoneMatch], Self.list(known, names: entityTag) {
            result.head.status = .notModified
            result.head.headerFields[.contentType] = nil
            result.body = ResponseBody()
            return result
        }
        // A weak or older validator in If-Range asks for the whole body.
        let isCurrent = request.headerFields[.ifRange].map { $0 == entityTag } ?? true
        guard request.method == .get, isCurrent, let range = request.headerFields[.range] else { return result }
        let count = body.byteCount
        switch ByteRange(range, of: count) {
        case .whole: return result
        case .part(let part):
            result.head.status = .partialContent
            result.head.headerFields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(count)"
            result.body = body.slice(part)
            return result
        case .unsatisfiable:
            return Problem(
                .rangeNotSatisfiable, "The body has no such bytes.", parameter: "Range",
                expected: "a range within \(count) bytes", actual: range
            ).with(.contentRange, "bytes */\(count)").response
        }
    }

    /// Whether a list of entity tags contains one, by weak comparison (RFC 9110, section 8.8.3.2).
    private static func list(_ field: String, names tag: String) -> Bool {
        let members: [String] = field.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        return members.contains { $0 == "*" || $0 == tag || $0 == "W/" + tag }
    }
}
