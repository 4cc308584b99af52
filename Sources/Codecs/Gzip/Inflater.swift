private import CZlib

/// Decompresses deflate data through one fixed buffer.
@safe
final class Inflater {
    /// What stands around the deflate data.
    enum Format: Int32 {
        /// Nothing (RFC 1951).
        case raw = -15
        /// A zlib stream (RFC 1950), whose checksum is checked.
        case zlib = 15
        /// A gzip member (RFC 1952), whose checksum and size are checked.
        case gzip = 31
    }

    private static let outputCapacity = 128 * 1024

    // The stream must not move, since zlib's state points back at it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutablePointer<UInt8>

    /// - Throws: ``CodecError/outOfMemory(byteCount:)``.
    init(_ format: Format) throws(CodecError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe output = .allocate(capacity: Self.outputCapacity)
        guard unsafe segscore_inflate_init(stream, format.rawValue) == Z_OK else {
            // zlib keeps 44 KiB for a window of 15 bits.
            throw .outOfMemory(byteCount: 44 * 1024)
        }
    }

    deinit {
        // This does no harm if the stream was not set up.
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe output.deallocate()
    }

    /// Gets ready for another stream of the same format.
    func reset() {
        unsafe inflateReset(stream)
    }

    /// Decompresses, up to the end of the compressed stream or of `bytes`.
    ///
    /// - Parameter receive: Takes the decompressed bytes, piece by piece; never an empty piece.
    /// - Returns: How many of `bytes` belong to the stream, and whether it has ended.
    /// - Throws: What `receive` throws, or made from ``CodecError/deflate(reason:)``.
    func inflate<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ receive: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> (consumed: Int, isAtEnd: Bool) {
        // zlib counts input in 32 bits.
        let longest = 1 << 30
        var position = 0
        while position < bytes.count {
            let piece = bytes.extracting(position..<min(position + longest, bytes.count))
            let isAtEnd = try unsafe piece.withUnsafeBufferPointer { (input) throws(Failure) -> Bool in
                try unsafe inflate(input, receive)
            }
            position += piece.count - Int(unsafe stream.pointee.avail_in)
            if isAtEnd { return (position, true) }
        }
        return (position, false)
    }

    /// Decompresses one piece; what is left of it at the end of the stream is in `avail_in`.
    private func inflate<Failure: CodecFailure>(
        _ input: UnsafeBufferPointer<UInt8>, _ receive: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.pointee.avail_in = UInt32(input.count)
        defer { unsafe stream.pointee.next_in = nil }
        while true {
            unsafe stream.pointee.next_out = output
            unsafe stream.pointee.avail_out = UInt32(Self.outputCapacity)
            let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            let isFull = unsafe stream.pointee.avail_out == 0
            switch status {
            // Z_BUF_ERROR: neither input was left nor output pending.
            case Z_OK, Z_STREAM_END, Z_BUF_ERROR: break
            case Z_MEM_ERROR: throw Failure(.outOfMemory(byteCount: 44 * 1024))
            default: throw Failure(.deflate(reason: reason))
            }
            let count = Self.outputCapacity - Int(unsafe stream.pointee.avail_out)
            if count > 0 {
                try receive(unsafe Span(_unsafeStart: output, count: count))
            }
            if status == Z_STREAM_END { return true }
            if !isFull { return false }
        }
    }

    private var reason: String {
        guard let message = unsafe stream.pointee.msg else { return "" }
        return unsafe String(cString: message)
    }
}
