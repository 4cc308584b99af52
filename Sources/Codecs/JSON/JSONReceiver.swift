/// Takes the members of a JSON object.
package protocol JSONReceiver<Failure>: AnyObject {
    associatedtype Failure: CodecFailure

    /// Tells whether a member is an array of numbers, and gives what takes the array. It is not called for an object.
    ///
    /// - Returns: The array's receiver; nil if the member is a plain value, which goes to ``member(_:_:)``.
    func receiver(forArray name: String) throws(Failure) -> (any ArrayReceiver<Failure>)?

    /// Takes a member that is not an array of numbers.
    func member(_ name: String, _ value: JSONScalar) throws(Failure)
}

/// The value of a member that is not an array of numbers.
package enum JSONScalar: Equatable, Sendable {
    case null
    case bool(Bool)
    /// `text` is the number as it was written.
    case number(Double, text: String)
    case string(String)
    /// A list of strings, which may be empty.
    case strings([String])
    /// An object whose values are strings.
    case object([String: String])
    /// A list of a few numbers, at least one, each as it was written.
    case numbers([String])
    /// A short object with other values, as it was written. Only its brackets were looked at.
    case members(String)
    /// A longer object or list, or a list of other things. Its text was passed over, so that a receiver which accepts it
    /// accepts any such value.
    case other
}
