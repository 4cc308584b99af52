/// What the head of a form's part says.
package struct FormPart: Equatable, Sendable {
    /// The part's name; empty if the part has none.
    package internal(set) var name: String

    /// The name of the file that the part was made from, if the client says it.
    package internal(set) var fileName: String?

    /// The media type of the part, without its parameters, as the client wrote it; nil if the client says none.
    package internal(set) var mediaType: String?

    /// The place in the form at which the part's first byte stands.
    package let start: UInt64
}
