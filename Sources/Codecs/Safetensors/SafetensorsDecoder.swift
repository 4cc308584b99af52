import Memory

/// Decodes a safetensors file as its bytes arrive.
///
/// Only the header is gathered; the elements are handed to the receivers of their tensors without a copy, in the order
/// in which they lie in the file. A decoder that has thrown is of no further use.
///
/// - SeeAlso: huggingface/safetensors `README.md`, which specifies the format.
package struct SafetensorsDecoder<Receiver: TensorReceiver> {
    private struct Tensor {
        let name: String
        let byteCount: Int
        /// What takes the elements, and what it is told of them; nil if the tensor is passed over.
        let wanted: (receiver: any ArrayReceiver<Receiver.Failure>, layout: TensorLayout, offset: Int)?
    }

    private let receiver: Receiver
    private let byteLimit: Int
    private var reader = SafetensorsHeaderReader()
    /// The tensors that have not come whole, the next one at the end.
    private var awaited: [Tensor] = []
    /// How many bytes of the next tensor are still to come.
    private var missingBytes = 0

    /// - Parameters:
    ///   - receiver: Chooses the tensors.
    ///   - byteLimit: The most bytes that the file may have.
    package init(receiver: Receiver, byteLimit: Int) {
        self.receiver = receiver
        self.byteLimit = byteLimit
    }

    /// Takes the next bytes of the file.
    ///
    /// A receiver is told of the beginning of its tensor as soon as the one before has ended, and of its end in the
    /// call that brings the last byte.
    ///
    /// - Throws: What the receivers throw, or an error made from a ``CodecError``: `safetensors…`, `tensor…`,
    ///   ``CodecError/shape(_:)``, ``CodecError/tooLarge(limit:)``, ``CodecError/trailingBytes``.
    package mutating func decode(_ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) {
        var position = 0
        if reader.header == nil {
            do {
                position = try reader.read(bytes)
            } catch {
                throw Receiver.Failure(error)
            }
            guard let header = reader.header else { return }
            try begin(header)
        }
        while position < bytes.count {
            guard let tensor = awaited.last else { throw Receiver.Failure(.trailingBytes) }
            let count = min(missingBytes, bytes.count - position)
            try tensor.wanted?.receiver.receive(bytes.extracting(position..<position + count))
            position += count
            missingBytes -= count
            guard missingBytes == 0 else { return }
            try tensor.wanted?.receiver.end()
            awaited.removeLast()
            try beginNext()
        }
    }

    /// The file is complete.
    ///
    /// - Throws: An error made from ``CodecError/truncated(expected:actual:)``, or from
    ///   ``CodecError/tensorTruncated(name:expected:actual:)``.
    package func finish() throws(Receiver.Failure) {
        do {
            try reader.finish()
        } catch {
            throw Receiver.Failure(error)
        }
        guard let tensor = awaited.last else { return }
        throw Receiver.Failure(
            .tensorTruncated(
                name: tensor.name, expected: tensor.byteCount, actual: tensor.byteCount - missingBytes))
    }

    private mutating func begin(_ header: SafetensorsHeader) throws(Receiver.Failure) {
        guard header.fileByteCount <= byteLimit else { throw Receiver.Failure(.tooLarge(limit: byteLimit)) }
        let receivers = try receiver.begin(header.entries.map(\.name))
        awaited = try header.entries.reversed().map { (entry) throws(Receiver.Failure) in
            let wanted = try receivers[entry.name].map { (receiver) throws(Receiver.Failure) in
                (receiver, try Self.layout(of: entry), header.byteCount + entry.bytes.lowerBound)
            }
            return Tensor(name: entry.name, byteCount: entry.bytes.count, wanted: wanted)
        }
        try beginNext()
    }

    private static func layout(of entry: SafetensorsEntry) throws(Receiver.Failure) -> TensorLayout {
        do {
            return try entry.layout()
        } catch {
            throw Receiver.Failure(error)
        }
    }

    /// Begins the next tensor that has elements, and on the way those that have none.
    private mutating func beginNext() throws(Receiver.Failure) {
        while let tensor = awaited.last {
            missingBytes = tensor.byteCount
            if let (receiver, layout, offset) = tensor.wanted { try receiver.begin(layout, at: offset) }
            guard missingBytes == 0 else { return }
            try tensor.wanted?.receiver.end()
            awaited.removeLast()
        }
    }
}
