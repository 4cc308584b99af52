/// Makes a reader for one `multipart/form-data` body. The server passes it with the request, since its HTTP library
/// has the parser.
package protocol MultipartFactory: Sendable {
    /// - Throws: ``MultipartError/noBoundary``.
    func makeReader(for receiver: any PartReceiver) throws(MultipartError) -> any MultipartReader
}

/// Reads one `multipart/form-data` body (RFC 7578), pushed in as it arrives.
package protocol MultipartReader: AnyObject {
    /// - Throws: ``MultipartError/malformed``, or ``MultipartError/refused`` once the receiver wants no more.
    func receive(_ bytes: borrowing Span<UInt8>) throws(MultipartError)

    /// The body is complete.
    ///
    /// - Throws: ``MultipartError/malformed`` where it ends before its closing boundary.
    func finish() throws(MultipartError)
}

/// Takes the parts of a form.
package protocol PartReceiver: AnyObject {
    /// Takes the next bytes of a part.
    ///
    /// - Parameters:
    ///   - name: The part's name; empty where it has none.
    ///   - fileName: The name of the file that the client sent it from, if it says one.
    ///   - offset: Where in the part the bytes belong; 0 begins a new part, an empty one too.
    /// - Returns: Whether more is wanted.
    func receivePart(name: String, fileName: String?, offset: UInt64, bytes: borrowing Span<UInt8>) -> Bool
}

/// Why a form could not be read.
package enum MultipartError: Error, Equatable {
    case noBoundary
    case malformed
    /// The receiver asked to stop; it knows why.
    case refused
}
