import HTTPTypes
package import ServiceInterface

extension Problem {
    /// The answer that carries the problem document.
    package var response: Response {
        var head = HTTPResponse(status: status, headerFields: fields)
        head.headerFields[.contentType] = MediaType.problem.rawValue
        // If there is no memory for a few hundred bytes, the status goes out alone.
        return Response(head, body: (try? ResponseBody(copying: document)) ?? ResponseBody())
    }

    /// The problem document, as JSON.
    package var document: [UInt8] {
        var writer = JSONWriter()
        writer.object { members in
            members.string("type", "urn:segscore:" + type.rawValue)
            members.string("title", type.title)
            members.integer("status", status.code)
            members.string("detail", detail)
            if let parameter { members.string("parameter", parameter) }
            if let expected { members.string("expected", expected) }
            if let actual { members.string("actual", actual) }
            if let limit { members.integer("limit", limit) }
            if hasError { members.string("error", detail) }
        }
        return writer.text
    }
}
