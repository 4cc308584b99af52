private import CZlib
import Memory

/// Compresses bytes to raw deflate data (RFC 1951) through one fixed buffer, at zlib's fastest level: what an archive
/// holds is written while somebody waits for it.
///
/// `@unchecked Sendable`: like the writer that owns it, one thread at a time calls it.
@safe
final class Deflater: @unchecked Sendable {
    private static let outputCapacity = 64 * 1024

    /// What zlib keeps for a window of 15 bits and its usual memory level, and the buffer.
    private static let byteCount = 268 * 1024 + outputCapacity

    // The stream must not move, since zlib's state points back at it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutablePointer<UInt8>
    private let reservation: ByteReservation

    /// - Throws: ``CodecError/outOfMemory(byteCount:)``.
    init() throws(CodecError) {
        do throws(MemoryError) {
            reservation = try ByteReservation(Self.byteCount)
        } catch {
            throw .outOfMemory(byteCount: Self.byteCount)
        }
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe output = .allocate(capacity: Self.outputCapacity)
        guard unsafe segscore_deflate_init(stream, Z_BEST_SPEED, -15) == Z_OK else {
            throw .outOfMemory(byteCount: Self.byteCount)
        }
    }

    deinit {
        // This does no harm if the stream was not set up.
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
        unsafe output.deallocate()
    }

    /// Gets ready for another stream.
    func reset() {
        unsafe deflateReset(stream)
    }

    /// Compresses bytes, and appends those to `compressed` that come out.
    ///
    /// - Parameter isLast: Whether the stream ends here.
    func deflate(_ bytes: borrowing Span<UInt8>, isLast: Bool, into compressed: inout [UInt8]) {
        // zlib counts input in 32 bits.
        let longest = 1 << 30
        var position = 0
        repeat {
            let piece = bytes.extracting(position..<min(position + longest, bytes.count))
            position += piece.count
            let flush = isLast && position == bytes.count ? Z_FINISH : Z_NO_FLUSH
            unsafe piece.withUnsafeBufferPointer { input in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(input.count)
                repeat {
                    unsafe stream.pointee.next_out = output
                    unsafe stream.pointee.avail_out = UInt32(Self.outputCapacity)
                    // Neither of its errors can come: the state is sound, and there is room for output.
                    unsafe CZlib.deflate(stream, flush)
                    let count = Self.outputCapacity - Int(unsafe stream.pointee.avail_out)
                    unsafe compressed.append(contentsOf: UnsafeBufferPointer(start: output, count: count))
                } while unsafe stream.pointee.avail_out == 0
                unsafe stream.pointee.next_in = nil
            }
        } while position < bytes.count
    }
}
