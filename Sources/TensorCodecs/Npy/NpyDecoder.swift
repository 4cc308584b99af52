import Tensors

/// Decodes one npy file, versions 1, 2 and 3, as its bytes arrive.
///
/// Chunks may be of any size. What stands behind the array is passed over, as NumPy does. The elements go on to the receiver where they lie: only the header is gathered. A decoder
/// that has thrown is of no further use.
///
/// - SeeAlso: numpy/numpy `numpy/lib/_format_impl.py`, which specifies the format.
package struct NpyDecoder<Receiver: ArrayReceiver> {
    private let receiver: Receiver
    private let byteLimit: Int
    private var header = NpyHeaderReader()
    private var receivedCount = 0

    /// - Parameters:
    ///   - receiver: Takes the array.
    ///   - byteLimit: The size that the array's elements may have, in bytes.
    package init(receiver: Receiver, byteLimit: Int) {
        self.receiver = receiver
        self.byteLimit = byteLimit
    }

    /// Takes the next bytes of the file.
    ///
    /// The receiver hears of the end of the array in the call that brings its last byte.
    ///
    /// - Throws: What the receiver throws, or made from a ``CodecError``: `npy…`, ``CodecError/bfloat16(descr:)``,
    ///   ``CodecError/shape(_:)`` or ``CodecError/tooLarge(limit:)``.
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
    /// - Throws: Made from ``CodecError/truncated(expected:actual:)``, or from ``CodecError/npyMagic(found:)`` where
    ///   the few bytes that came cannot begin an npy file.
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
