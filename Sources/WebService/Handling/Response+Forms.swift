package import HTTPTypes
package import ServiceInterface
import TensorCodecs
import Tensors

extension Response {
    /// A response that says what its body is.
    package init(_ status: HTTPResponse.Status = .ok, _ form: MediaType, _ body: ResponseBody) {
        self.init(HTTPResponse(status: status, headerFields: [.contentType: form.rawValue]), body: body)
    }

    /// - Throws: 503 where memory is short.
    package static func bytes(
        _ status: HTTPResponse.Status = .ok, _ form: MediaType, _ bytes: [UInt8]
    ) throws(Problem) -> Response {
        do throws(TensorError) {
            return Response(status, form, try ResponseBody(copying: bytes))
        } catch {
            throw Problem(error)
        }
    }

    /// - Parameters:
    ///   - otherBytes: What is held for the document until it is sent, and counts nowhere else.
    package static func json(
        status: HTTPResponse.Status = .ok, holding otherBytes: Int = 0, _ write: (inout JSONWriter) -> Void
    ) throws(Problem) -> Response {
        var document = JSONWriter()
        write(&document)
        do throws(TensorError) {
            return Response(status, .json, try document.pieces.body(holding: otherBytes))
        } catch {
            throw Problem(error)
        }
    }

    /// The answer to a request that has had its effect. Where there is no memory for the few hundred bytes of the document, the status
    /// has to say it all: an error would tell the client that nothing was done.
    package static func done(_ status: HTTPResponse.Status, _ write: (inout JSONWriter) -> Void) -> Response {
        (try? json(status: status, write)) ?? Response(HTTPResponse(status: status))
    }

    /// A body that never changes: it gets a strong validator, and is answered in part or not at all where the request
    /// says that this will do (RFC 9110, sections 13 and 14).
    ///
    /// - Parameters:
    ///   - tag: The entity tag, without its quotes.
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
        // A weak or older validator in If-Range asks for the whole.
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

    /// Whether a list of entity tags holds one, by weak comparison.
    private static func list(_ field: String, names tag: String) -> Bool {
        let members: [String] = field.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        return members.contains { $0 == "*" || $0 == tag || $0 == "W/" + tag }
    }
}
