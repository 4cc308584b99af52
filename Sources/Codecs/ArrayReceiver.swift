package import Memory

/// An error type that can be made from a ``CodecError``, so that a decoder throws one type of error, whether the
/// decoder or its receiver has found the fault.
package protocol CodecFailure: Error {
    init(_ error: CodecError)
}

/// Takes the elements of one array as they are decoded.
package protocol ArrayReceiver<Failure>: AnyObject {
    associatedtype Failure: CodecFailure

    /// The array's header has been read. A receiver that cannot use such an array throws here, before anything is
    /// allocated.
    ///
    /// - Parameters:
    ///   - offset: The first element's place in the array's file; 0 if there is no file.
    func begin(_ layout: TensorLayout, at offset: Int) throws(Failure)

    /// Takes the next bytes of the elements, in file order. A call may end within an element; all calls together bring
    /// exactly `layout.byteCount` bytes.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Failure)

    /// All elements have come.
    func end() throws(Failure)
}
