import Memory

/// Decodes one npy file, versions 1, 2 and 3, as its bytes arrive.
///
/// Chunks may be of any size. Only the header is gathered; the elements are handed to the receiver without a copy.
/// Whatever stands behind the array is passed over, as NumPy does. A decoder that has thrown is of no further use.
///
/// - SeeAlso: numpy/numpy `numpy/lib/_format_impl.py`, which specifies the format.
package struct NpyDecoder<Receiver: ArrayReceiver> {
    private let receiver: Receiver
    private let byteLimit: Int
    private var header = NpyHeaderReader()
    private var receivedCount = 0

    /// - Parameters:
    ///   - receiver: Takes the array.
    ///   - byteLimit: The most bytes that the array's elements may have together.
    package init(receiver: Receiver, byteLimit: Int) {
        self.receiver = receiver
        self.byteLimit = byteLimit
    }

    /// Takes the next bytes of the file.
    ///
    /// In the call that brings the array's last byte, the receiver is told of its end.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``: `npy…`,
    ///   ``CodecError/twoBytes(descr:)``, ``CodecError/shape(_:)`` or ``CodecError/tooLarge(limit:)``.
    package mutating func decode(_ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) {
        var position = 0
        if header.layout == nil {
            do {
                position = try header.read(bytes)
            } catch {
                throw Receiver.Failure(error)
            }
            guard let layout = header.layout else { return }
            guard layout.byteCount <= byteLimit else { throw Receiver.Failure(.tooLarge(limit: byteLimit)) }
            try receiver.begin(layout, at: header.byteCount)
            if layout.byteCount == 0 { try receiver.end() }
        }
        guard let layout = header.layout, position < bytes.count else { return }
        let count = min(layout.byteCount - receivedCount, bytes.count - position)
        if count > 0 {
            receivedCount += count
            try receiver.receive(bytes.extracting(position..<position + count))
            if receivedCount == layout.byteCount { try receiver.end() }
        }
    }

    /// The file is complete.
    ///
    /// - Throws: An error made from ``CodecError/truncated(expected:actual:)``, or from ``CodecError/npyMagic(found:)``
    ///   if the few bytes that came cannot begin an npy file.
    package func finish() throws(Receiver.Failure) {
        do {
            try header.finish()
        } catch {
            throw Receiver.Failure(error)
        }
        guard let layout = header.layout, receivedCount < layout.byteCount else { return }
        throw Receiver.Failure(.truncated(expected: layout.byteCount, actual: receivedCount))
    }
}
