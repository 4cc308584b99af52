import CMicroHTTPD
import CRefusals
import Glibc
import HTTPTypes
import Memory
import ServiceInterface
import Threads

extension Connection {
    /// Hands an answer to libmicrohttpd, which sends the body from the memory where it lies.
    ///
    /// - Parameters:
    ///   - stream: The reader of the body if that is a stream.
    ///   - id: The value of `X-Request-Id`.
    ///   - closing: Whether the client is told that this is the last answer on its connection.
    /// - Returns: ``AccessCall/Step/closeConnection`` if there is no memory for the answer.
    func queue(_ response: Response, stream: SentStream?, id: String, closing: Bool) -> AccessCall.Step {
        // Statuses below 200 do not end a request.
        precondition((200...999).contains(response.head.status.code))
        let made = unsafe stream.map { unsafe makeResponse($0) } ?? makeResponse(response.body)
        guard let answer = unsafe made else { return .closeConnection }
        defer { unsafe MHD_destroy_response(answer) }
        for field in response.head.headerFields where field.name != .requestID {
            // The library refuses empty values, which mean nothing, and Content-Length, which it sets itself.
            _ = unsafe MHD_add_response_header(answer, field.name.rawName, field.value)
        }
        _ = unsafe MHD_add_response_header(answer, HTTPField.Name.requestID.rawName, id)
        if closing { _ = unsafe MHD_add_response_header(answer, "Connection", "close") }
        let isQueued = unsafe segscore_queue_response(handle, UInt32(response.head.status.code), answer)
        return isQueued != 0 ? .goOn : .closeConnection
    }
}

// MARK: - Bodies from memory

/// The most segments that one `sendmsg` takes (`UIO_MAXIOV` in Linux).
///
/// libmicrohttpd 0.9.75 splits longer lists. If the first part goes out whole, however, it believes that the socket is
/// full, and waits for an edge-triggered event that need not come (`src/microhttpd/mhd_send.c`, `send_iov_nontls`).
/// Bodies of more segments are therefore copied out piece by piece.
private let maxGatheredSegments = 1024

/// How many bytes of a body of many segments are copied at once.
private let copiedBytes = 256 << 10

@unsafe
private func makeResponse(_ body: ResponseBody) -> OpaquePointer? {
    guard !body.segments.isEmpty else {
        return unsafe MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
    }
    let context = unsafe Unmanaged.passRetained(SentBody(body)).toOpaque()
    let handle =
        if body.segments.count <= maxGatheredSegments {
            unsafe gathered(body, context)
        } else {
            unsafe MHD_create_response_from_callback(
                UInt64(body.byteCount), copiedBytes, copySentBody, context, releaseSentBody)
        }
    // Without a response, the library will not release the body.
    if unsafe handle == nil { unsafe releaseSentBody(context: context) }
    return unsafe handle
}

@unsafe
private func gathered(_ body: ResponseBody, _ context: UnsafeMutableRawPointer) -> OpaquePointer? {
    let vectors = unsafe body.segments.map { segment in
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: segment.owner.stableBytes[segment.range])
        return unsafe MHD_IoVec(iov_base: bytes.baseAddress, iov_len: bytes.count)
    }
    return unsafe vectors.withUnsafeBufferPointer { vectors in
        unsafe MHD_create_response_from_iovec(vectors.baseAddress, UInt32(vectors.count), releaseSentBody, context)
    }
}

/// A body that is being sent. Its segments keep their owners alive.
private final class SentBody {
    private let segments: [ResponseBody.Segment]
    private let reservation: ByteReservation?
    private var index = 0
    /// The offset in the body at which the segment at `index` begins.
    private var start = 0

    init(_ body: ResponseBody) {
        segments = body.segments
        reservation = body.reservation
    }

    /// Copies bytes from an offset on. Later calls must ask for later offsets.
    @unsafe
    func copy(from offset: Int, into target: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while index < segments.count, count < target.count {
            let segment = segments[index]
            let skipped = offset + count - start
            guard skipped < segment.range.count else {
                start += segment.range.count
                index += 1
                continue
            }
            let range = segment.range.dropFirst(skipped).prefix(target.count - count)
            let source = unsafe UnsafeRawBufferPointer(rebasing: segment.owner.stableBytes[range])
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[count...]).copyMemory(from: source)
            count += range.count
        }
        return count
    }
}

/// `MHD_ContentReaderFreeCallback`.
private func releaseSentBody(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<SentBody>.fromOpaque(context).release()
}

/// `MHD_ContentReaderCallback`.
private func copySentBody(
    context: UnsafeMutableRawPointer?, offset: UInt64, target: UnsafeMutablePointer<CChar>?, count: Int
) -> Int {
    guard let context = unsafe context, let target = unsafe target else { return endWithError }
    let body = unsafe Unmanaged<SentBody>.fromOpaque(context).takeUnretainedValue()
    return unsafe body.copy(from: Int(offset), into: UnsafeMutableRawBufferPointer(start: target, count: count))
}

// MARK: - Streams

/// Creates a response that reads a stream.
@unsafe
private func makeResponse(_ stream: SentStream) -> OpaquePointer? {
    let context = unsafe Unmanaged.passRetained(stream).toOpaque()
    let handle = unsafe MHD_create_response_from_callback(
        UInt64.max, 4096, readSentStream, context, releaseSentStream)
    if unsafe handle == nil { unsafe releaseSentStream(context: context) }
    return unsafe handle
}

/// `MHD_ContentReaderFreeCallback`.
private func releaseSentStream(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<SentStream>.fromOpaque(context).release()
}

/// `MHD_ContentReaderCallback`.
private func readSentStream(
    context: UnsafeMutableRawPointer?, offset: UInt64, target: UnsafeMutablePointer<CChar>?, count: Int
) -> Int {
    guard let context = unsafe context, let target = unsafe target else { return endWithError }
    let sent = unsafe Unmanaged<SentStream>.fromOpaque(context).takeUnretainedValue()
    let piece = DaemonThread.serve {
        unsafe sent.read(into: UnsafeMutableRawBufferPointer(start: target, count: count))
    }
    return switch piece {
    case .bytes(let count): count
    case .later: 0
    case .end: MHD_CONTENT_READER_END_OF_STREAM
    case .cut: endWithError
    }
}

/// `MHD_CONTENT_READER_END_WITH_ERROR`, a macro that Swift does not import. It has the library close the connection
/// without sending the last chunk.
private let endWithError = -2
