import HTTPTypes
import ServiceInterface
import Tensors

extension Response {
    /// The whole answer as it goes over the wire, the last on its connection: for when libmicrohttpd cannot send it.
    ///
    /// - Parameters:
    ///   - id: Goes into `X-Request-Id`.
    func closingBytes(id: String) -> [UInt8] {
        var text = "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n"
        for field in head.headerFields {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        text += "\(HTTPField.Name.requestID.rawName): \(id)\r\n"
        text += "Content-Length: \(body.byteCount)\r\nConnection: close\r\n\r\n"
        var bytes = Array(text.utf8)
        for segment in body.segments {
            unsafe bytes.append(contentsOf: segment.owner.stableBytes[segment.range])
        }
        return bytes
    }
}
