import CMicroHTTPD
import CRefusals
import Glibc
import HTTPTypes
import ServiceInterface
import Tensors
import Threads

extension Connection {
    /// Hands an answer to libmicrohttpd, which sends the body from where it lies.
    ///
    /// - Parameters:
    ///   - stream: Reads the body, where that is a stream.
    ///   - id: Goes into `X-Request-Id`.
    ///   - closing: Tells the client that this is the last answer on its connection.
    /// - Returns: To close the connection where there is no memory for it.
    func queue(_ response: Response, stream: SentStream?, id: String, closing: Bool) -> AccessCall.Step {
        // Anything else is a status that ends no request.
        precondition((200...999).contains(response.head.status.code))
        let made = unsafe stream.map { unsafe makeResponse($0) } ?? makeResponse(response.body)
        guard let answer = unsafe made else { return .closeConnection }
        defer { unsafe MHD_destroy_response(answer) }
        for field in response.head.headerFields where field.name != .requestID {
            // Refuses empty values, which say nothing, and Content-Length, which the library knows better.
            _ = unsafe MHD_add_response_header(answer, field.name.rawName, field.value)
        }
        _ = unsafe MHD_add_response_header(answer, HTTPField.Name.requestID.rawName, id)
        if closing { _ = unsafe MHD_add_response_header(answer, "Connection", "close") }
        let isQueued = unsafe segscore_queue_response(handle, UInt32(response.head.status.code), answer)
        return isQueued != 0 ? .goOn : .closeConnection
    }
}

// MARK: - Bodies from memory

/// As many segments as one `sendmsg` takes (`UIO_MAXIOV` in Linux).
///
/// libmicrohttpd 0.9.75 splits longer lists, but takes a first part that went out whole for a full socket, and waits
/// for an edge-triggered event that then need not come (`src/microhttpd/mhd_send.c`, `send_iov_nontls`). Longer bodies
/// are therefore copied out piece by piece.
private let maxGatheredSegments = 1024

/// How much of a body of many segments is copied at once.
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
    // Without a response there is nobody to give the body back.
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

/// A body on its way out. Its segments hold their owners.
private final class SentBody {
    private let segments: [ResponseBody.Segment]
    private let reservation: ByteReservation?
    private var index = 0
    /// Where in the body the segment at `index` starts.
    private var start = 0

    init(_ body: ResponseBody) {
        segments = body.segments
        reservation = body.reservation
    }

    /// Copies from an offset on; offsets come in order.
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

/// A response that reads a stream.
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

/// `MHD_CONTENT_READER_END_WITH_ERROR`, a macro that Swift does not see: closes the connection without the last chunk.
private let endWithError = -2
