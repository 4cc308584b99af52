/// Checks the lines that frame a chunked body.
///
/// libmicrohttpd accepts lines that end with LF alone. A proxy in front of this server may not, and if the two disagree
/// about where a body ends, an attacker can smuggle a request past the proxy.
///
/// The library (0.9.75 `src/microhttpd/connection.c`, `process_request_body`) has no option against this, and hands on
/// only the bytes within the chunks. It hands them on where they lie in its buffer, however, and lines that arrived
/// together with the first bytes of a chunk still lie just before them: the end of the previous chunk and the size of
/// this one. Lines that arrived alone have been overwritten by then, and so has the line of the last chunk. The
/// connection of a chunked body therefore ends with its answer, so that nothing behind the body is read as a request.
@safe
struct ChunkFraming {
    /// The place in the library's buffer at which each piece of the body begins to be read.
    private let start: UnsafePointer<UInt8>

    /// Creates the check for one request.
    ///
    /// - Parameter start: The end of the head. The library's buffer for the body lies behind it for as long as the
    ///   request lasts.
    @unsafe
    init(start: UnsafePointer<CChar>) {
        unsafe self.start = UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self)
    }

    /// Whether the lines that still lie before a piece of the body are as RFC 9112, section 7.1 asks.
    ///
    /// - Parameter bytes: The piece, in the library's buffer.
    @unsafe
    func isInOrder(before bytes: UnsafePointer<CChar>) -> Bool {
        let count = unsafe UnsafeRawPointer(bytes) - UnsafeRawPointer(start)
        // Nothing lies before the piece in the middle of a chunk, or after a line that arrived alone.
        guard count > 0 else { return true }
        let framing = unsafe UnsafeBufferPointer(start: start, count: count)
        guard unsafe count > 2 && framing[count - 2] == 0x0D && framing[count - 1] == 0x0A else { return false }
        var position = count - 3
        while position >= 0, unsafe framing[position] != 0x0A {
            // A size and possibly extensions, which may contain no control character other than a tab.
            guard unsafe framing[position] >= 0x20 || framing[position] == 0x09 else { return false }
            position -= 1
        }
        // The end of the previous chunk, if it lies here.
        return unsafe position < 0 || (position > 0 && framing[position - 1] == 0x0D)
    }

    /// Whether the empty line behind the last chunk ends with CRLF. The answer is true if there are trailers, which
    /// nobody reads.
    ///
    /// The library has overwritten the ends of lines with NULs.
    @unsafe
    var isInOrderAtEnd: Bool { unsafe start[0] != 0 || start[1] == 0 }
}
