import Glibc
import HTTPTypes
import Memory
import ServiceInterface

extension Response {
    /// The whole answer as it goes over the wire, as the last of its connection. It serves the cases in which
    /// libmicrohttpd cannot send an answer.
    ///
    /// - Parameters:
    ///   - id: The value of `X-Request-Id`.
    ///   - isHead: Whether the body is left out.
    func closingBytes(id: String, isHead: Bool = false) -> [UInt8] {
        var text = "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\nDate: \(Self.date)\r\n"
        for field in head.headerFields {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        text += "\(HTTPField.Name.requestID.rawName): \(id)\r\n"
        text += "Content-Length: \(body.byteCount)\r\nConnection: close\r\n\r\n"
        var bytes = Array(text.utf8)
        for segment in body.segments where !isHead {
            unsafe bytes.append(contentsOf: segment.owner.stableBytes[segment.range])
        }
        return bytes
    }

    /// The current time as RFC 9110, section 5.6.7 writes it. The program sets no locale, so the names are English.
    private static var date: String {
        var now = time(nil)
        var parts = unsafe tm()
        var text = [CChar](repeating: 0, count: 64)
        let count = unsafe text.withUnsafeMutableBufferPointer { text in
            unsafe gmtime_r(&now, &parts)
            return unsafe strftime(text.baseAddress, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        }
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
