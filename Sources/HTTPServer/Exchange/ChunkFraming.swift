/// Looks at how a chunked body is framed, for libmicrohttpd takes lines that end with LF alone, and a proxy before us
/// may not: who has them read a body's end in two places smuggles a request between.
///
/// The library (0.9.75 `src/microhttpd/connection.c`, `process_request_body`) has no option against it, and hands on
/// what is in the chunks alone. But it hands that on where it lies in its buffer, behind the lines before it, of which
/// those that came together with the first bytes of a chunk are still there: the line of the chunk's size, and before
/// it the end of the chunk before. What came alone is overwritten before anybody sees it, and so is the last chunk's
/// line. So the connection of a chunked body ends with its answer: whatever lies behind it is no request.
@safe
struct ChunkFraming {
    /// Where each part of the body that is read begins.
    private let start: UnsafePointer<UInt8>

    /// - Parameter start: The end of the head, behind which the library has its buffer for as long as the request lasts.
    @unsafe
    init(start: UnsafePointer<CChar>) {
        unsafe self.start = UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self)
    }

    /// Whether the lines before a piece of the body are as RFC 9112 7.1 has them, as far as they are there.
    ///
    /// - Parameter bytes: The piece, in the library's buffer.
    @unsafe
    func isInOrder(before bytes: UnsafePointer<CChar>) -> Bool {
        let count = unsafe UnsafeRawPointer(bytes) - UnsafeRawPointer(start)
        // In the middle of a chunk, or behind a line that came alone.
        guard count > 0 else { return true }
        let framing = unsafe UnsafeBufferPointer(start: start, count: count)
        guard unsafe count > 2 && framing[count - 2] == 0x0D && framing[count - 1] == 0x0A else { return false }
        var position = count - 3
        while position >= 0, unsafe framing[position] != 0x0A {
            // A size, and maybe extensions: no control character but a tab.
            guard unsafe framing[position] >= 0x20 || framing[position] == 0x09 else { return false }
            position -= 1
        }
        // The end of the chunk before, where it is there.
        return unsafe position < 0 || (position > 0 && framing[position - 1] == 0x0D)
    }

    /// Whether the empty line behind the last chunk is; true where there are trailers, at which nobody looks.
    ///
    /// The library has overwritten what ends a line with NULs.
    @unsafe
    var isInOrderAtEnd: Bool { unsafe start[0] != 0 || start[1] == 0 }
}
