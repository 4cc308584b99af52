import Memory

/// Decodes one PNG image of classes as its bytes arrive: an array `(1, H, W)` of a byte each, or of two if the samples
/// have 16 bits.
///
/// A grey value is the class, and so is the index into a palette: neither is scaled, and the colours of a palette mean
/// nothing. Images of colours are taken only with ``ColourClasses``. Rows are handed on as they come; those of an
/// interlaced image come in seven passes, so that the image is held until its end. Chunks that say nothing of classes
/// are passed over, whatever their size. A decoder that has thrown is of no further use.
///
/// - SeeAlso: The Portable Network Graphics Specification, third edition (W3C, 2025).
package final class PNGDecoder<Receiver: ArrayReceiver> {
    private enum State {
        case signature
        case chunkHead
        /// `left` counts the bytes of the chunk and of its checksum that are still to come.
        case chunk(isRead: Bool, isLast: Bool, left: Int)
        case ended
    }

    /// The bytes that every PNG file begins with (section 5.2).
    package static var signature: [UInt8] { [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] }

    private let rows: PNGRows<Receiver>
    private let reservation: ByteReservation
    private var state = State.signature
    /// The bytes of the signature, or of a chunk's head, that have come.
    private var gathered: [UInt8] = []

    /// - Parameters:
    ///   - receiver: Takes the array. It refuses sizes that it does not want when the array begins; until then no more
    ///     than the image's head and palette have been looked at.
    ///   - colours: The classes of colours; nil if an image of colours is refused.
    /// - Throws: An error made from ``CodecError/outOfMemory(byteCount:)``.
    package init(receiver: Receiver, colours: ColourClasses? = nil) throws(Receiver.Failure) {
        do throws(MemoryError) {
            reservation = try ByteReservation(PNGReader.byteCount)
        } catch {
            throw Receiver.Failure(.outOfMemory(byteCount: PNGReader.byteCount))
        }
        do throws(CodecError) {
            rows = try PNGRows(receiver: receiver, colours: colours)
        } catch {
            throw Receiver.Failure(error)
        }
    }

    /// Takes the next bytes of the file.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``: `png…`,
    ///   ``CodecError/trailingBytes`` or ``CodecError/outOfMemory(byteCount:)``.
    package func decode(_ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) {
        var position = 0
        while position < bytes.count {
            switch state {
            case .signature:
                guard bytes[position] == Self.signature[gathered.count] else {
                    throw Receiver.Failure(.pngSignature(found: gathered + [bytes[position]]))
                }
                gathered.append(bytes[position])
                position += 1
                guard gathered.count == Self.signature.count else { continue }
                gathered.removeAll(keepingCapacity: true)
                state = .chunkHead
                let signature = Self.signature
                try rows.read(signature.span)
            case .chunkHead:
                gathered.append(bytes[position])
                position += 1
                if gathered.count == 8 { try beginChunk() }
            case .chunk(let isRead, let isLast, let left):
                let count = min(left, bytes.count - position)
                if isRead { try rows.read(bytes.extracting(position..<position + count)) }
                position += count
                state = .chunk(isRead: isRead, isLast: isLast, left: left - count)
                if left == count { state = isLast ? .ended : .chunkHead }
            case .ended:
                throw Receiver.Failure(.trailingBytes)
            }
        }
    }

    /// The file is complete.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``: ``CodecError/pngTruncated`` or
    ///   ``CodecError/pngUnknownColour(_:count:row:column:)``.
    package func finish() throws(Receiver.Failure) {
        guard case .ended = state else { throw Receiver.Failure(.pngTruncated) }
        try rows.finish()
    }

    private func beginChunk() throws(Receiver.Failure) {
        let head = gathered
        gathered.removeAll(keepingCapacity: true)
        let length = head.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length < 1 << 31 else { throw Receiver.Failure(.pngUnreadable(reason: "a chunk is too long")) }
        // Chunks that an image can be read without have a name that begins with a small letter (section 5.4).
        let isRead = head[4] & 0x20 == 0
        state = .chunk(isRead: isRead, isLast: head.suffix(4) == Array("IEND".utf8)[...], left: length + 4)
        if isRead { try rows.read(head.span) }
    }
}
