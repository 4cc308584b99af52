/// What the `Content-Type` of a `multipart/form-data` body says.
package struct MultipartType: Sendable {
    /// The boundary as the field has it; nil if the field names none or cannot be read.
    let boundary: String?

    /// Reads a `Content-Type`; nil if it is that of another kind of body.
    package init?(_ contentType: String?) {
        guard let contentType, contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        let parameters = FieldParameters(contentType)
        guard parameters == nil || parameters?.value == "multipart/form-data" else { return nil }
        boundary = parameters?["boundary"]
    }

    /// The boundary, which is proved to be one that RFC 2046 5.1.1 allows. Browsers and clients use no others.
    ///
    /// - Throws: ``CodecError/formBoundaryMissing`` or ``CodecError/formBoundary(_:)``.
    func checkedBoundary() throws(CodecError) -> [UInt8] {
        guard let boundary else { throw .formBoundaryMissing }
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.last != 0x20, bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw .formBoundary(boundary)
        }
        return bytes
    }
}
