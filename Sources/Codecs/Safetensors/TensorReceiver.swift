/// Takes the tensors of a safetensors file.
package protocol TensorReceiver<Failure>: AnyObject {
    associatedtype Failure: CodecFailure

    /// The header has been read, which names all tensors; no two have the same name.
    ///
    /// - Parameters:
    ///   - names: The names in the order in which the tensors come. A name can be any text.
    /// - Returns: The receivers of those tensors that are wanted. The others are passed over.
    func begin(_ names: [String]) throws(Failure) -> [String: any ArrayReceiver<Failure>]
}
