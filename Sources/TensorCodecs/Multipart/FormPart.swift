/// What the head of a form's part says.
package struct FormPart: Equatable, Sendable {
    /// Empty where the part has none.
    package internal(set) var name: String

    /// The name of the file that the client sent it from, if it says one.
    package internal(set) var fileName: String?

    /// Where in the form the part's first byte stands.
    package let start: UInt64
}
