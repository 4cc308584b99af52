import HTTPTypes

@testable import HTTPServer
import WebService

/// An input read as a request: `method target`, a field a line, an empty line, the body.
///
/// It is framed as it should be, for what is framed otherwise never reaches the service.
struct FuzzedRequest {
    let head: HTTPRequest
    let body: [UInt8]

    /// - Parameters:
    ///   - names: What stands in the target for the parts that change from run to run.
    /// - Returns: Nil where the server itself would refuse the request.
    init?(_ input: [UInt8], names: [String: String]) {
        var rest = input[...]
        func line() -> String? {
            guard !rest.isEmpty else { return nil }
            let bytes = rest.prefix { $0 != 0x0A }
            rest = rest.dropFirst(bytes.count + 1)
            return String(decoding: bytes, as: UTF8.self)
        }
        guard let words = line()?.split(separator: " ", maxSplits: 1), words.count == 2 else { return nil }
        var fields = HTTPFields()
        while let text = line(), !text.isEmpty {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])), fields.count < 100 else { return nil }
            fields.append(HTTPField(name: name, value: String(parts[1])))
        }
        body = Array(rest)
        fields[.hostField] = "localhost"
        fields[.contentLength] = fields[.transferEncoding] == nil && !body.isEmpty ? String(body.count) : nil
        let target = names.reduce(String(words[1])) { $0.replacing($1.key, with: $1.value) }
        // One that a client may hold open for long says nothing more when it is let go.
        guard !(words[1].contains("{open}") && words[1].contains("wait")) else { return nil }
        do throws(ServerRefusal) {
            head = try RequestHead(
                method: String(words[0]), target: target, version: "HTTP/1.1", fields: fields, scheme: "http"
            ).request
        } catch {
            return nil
        }
    }
}
