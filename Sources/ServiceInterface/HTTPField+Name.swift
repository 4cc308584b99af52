package import HTTPTypes

extension HTTPField.Name {
    /// Creates a name from a literal that is known to be well formed.
    package static func known(_ name: String) -> HTTPField.Name {
        guard let result = HTTPField.Name(name) else { preconditionFailure("\(name) is no field name") }
        return result
    }
}
