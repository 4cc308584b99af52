import ServiceInterface

/// Makes the readers of `multipart/form-data` bodies.
struct FormFactory: MultipartFactory {
    private let boundary: String?

    /// Nil where the request's `Content-Type` is another.
    init?(contentType: String?) {
        guard let contentType, contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        let parameters = FieldParameters(contentType)
        guard parameters == nil || parameters?.value == "multipart/form-data" else { return nil }
        boundary = parameters?["boundary"]
    }

    func makeReader(for receiver: any PartReceiver) throws(MultipartError) -> any MultipartReader {
        guard let boundary else { throw .noBoundary }
        guard let bytes = Self.checked(boundary) else { throw .boundary(boundary) }
        return FormReader(boundary: bytes, receiver: receiver)
    }

    /// The boundary, where it is one that RFC 2046 5.1.1 allows; browsers and clients use no others.
    private static func checked(_ boundary: String) -> [UInt8]? {
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.last != 0x20, bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            return nil
        }
        return bytes
    }
}
