package import Tensors

/// An error type that a ``CodecError`` fits into, so that what a decoder finds and what its receiver finds leave the
/// decoder as one type.
package protocol CodecFailure: Error {
    init(_ error: CodecError)
}

/// Takes one array as it is decoded.
package protocol ArrayReceiver<Failure>: AnyObject {
    associatedtype Failure: CodecFailure

    /// The header is in. A receiver that cannot use such an array throws here, before anything is allocated.
    ///
    /// - Parameters:
    ///   - offset: Where in its file the array's first element stands; 0 where there is no file.
    func begin(_ layout: TensorLayout, at offset: Int) throws(Failure)

    /// The next bytes of the elements, in file order. A call may end in the middle of an element; the calls of one
    /// array together carry exactly `layout.byteCount` bytes.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Failure)

    /// All elements have been delivered.
    func end() throws(Failure)
}
