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

    /// How many bytes end a body in which no part follows: the closing boundary and its line ends.
    var closingByteCount: Int { get }

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
    ///   - offset: Where in the part the bytes belong; 0 begins a new part, an empty one too.
    /// - Returns: What the receiver makes of it.
    func receive(_ part: FormPart, offset: UInt64, bytes: borrowing Span<UInt8>) -> PartDemand
}

/// What the receiver of a part says when it has taken some bytes.
package enum PartDemand: Equatable, Sendable {
    /// No more is wanted.
    case stop
    /// The part goes on, or ends.
    case more
    /// The part says itself that it goes on for at least so many bytes. The reader takes its word for it, and does not look for the
    /// end of the part among them: large arrays need not be searched for a boundary that no array of that size holds.
    case atLeast(Int)
}

/// What the head of a form's part says.
package struct FormPart: Equatable, Sendable {
    /// Empty where the part has none.
    package var name: String

    /// The name of the file that the client sent it from, if it says one.
    package var fileName: String?

    /// Where in the form the part's first byte stands.
    package var start: UInt64

    package init(name: String, fileName: String?, start: UInt64) {
        self.name = name
        self.fileName = fileName
        self.start = start
    }
}

/// Why a form could not be read.
package enum MultipartError: Error, Equatable {
    case noBoundary
    /// A boundary of more than 70 characters, or with others than RFC 2046 (5.1.1) allows.
    case boundary(String)
    case malformed
    /// The receiver asked to stop; it knows why.
    case refused
}
