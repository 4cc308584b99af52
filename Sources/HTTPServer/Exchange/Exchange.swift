import CMicroHTTPD
import Dispatch
import Glibc
import HTTPTypes
import Logging
import ServiceInterface
import Synchronization

/// One request and its answer.
///
/// libmicrohttpd calls ``handle(_:)`` once when the head is in, once for each piece of the body, and once at its end;
/// after a suspension once more. An answer may only be queued in the first call, which costs the connection, or from the
/// last on; so what is decided in between waits in `stage` while the rest of the body is swallowed.
///
/// `@unchecked Sendable`: everything but `reply` is touched by the connection's daemon thread alone.
@safe
final class Exchange: @unchecked Sendable {
    /// One call of the library's access handler; the pointers are valid during it.
    @unsafe
    struct Call {
        let method: UnsafePointer<CChar>
        let target: UnsafePointer<CChar>
        let version: UnsafePointer<CChar>
        let bytes: UnsafePointer<CChar>?
        let byteCount: UnsafeMutablePointer<Int>
    }

    private enum Stage {
        case head
        /// The answer is settled; what still comes of the body is dropped.
        case decided(Response)
        case receiving(any BodySink)
        /// The sink has the whole body.
        case waiting
        case answered
    }

    /// Where the sink's answer is. It comes from any thread, before or after the connection is suspended:
    ///
    ///     open ─ answer ─> ready ─ handler ─> closed
    ///     open ─ handler ─> suspended ─ answer ─> ready ─ handler, resumed ─> closed
    ///                       suspended ─ client hangs up ─> closed ─ handler, resumed, closes the connection
    ///     any ─ request completed ─> closed
    ///
    /// Both the suspension and the resumption happen with the lock held, so that they come in this order, and a
    /// connection is only resumed while it is suspended, which is while the library keeps it.
    private enum Reply {
        case open
        case suspended
        case ready(Response)
        case closed
    }

    private let connection: Connection
    private var listener: Listener { connection.listener }
    private var core: ServerCore { connection.core }
    /// As it came; nil where it holds a byte that no target may.
    private let target: String?
    private let reply = Mutex(Reply.open)
    /// When the client had last sent enough of the request, in nanoseconds of uptime.
    private let lastReceived: Atomic<UInt64>
    /// When the first line was in, on the same clock.
    private let startedAt: UInt64
    /// Whether the request was refused for not arriving.
    private let isExpired = Atomic(false)

    private var stage = Stage.head
    /// Set before the suspension of a request that ends with its client, and read by the thread that notices its end.
    private var departing: (any BodySink)?
    /// Set while a stream is sent; also read by the thread that stops the server.
    private let stream = Mutex<SentStream?>(nil)
    /// Also read by the thread that ends what has stopped arriving.
    private let id = Mutex(Exchange.randomID())
    private var trace: TraceContext?
    /// Whether the connection is one too many, and ends with this request.
    private lazy var isCrowded = connection.isCrowded
    /// What the request is counted by.
    private var path: PathTemplate?
    /// The size of the body, where the head says it.
    private var expectedBytes: UInt64?
    /// Set where the body is chunked.
    private var chunks: ChunkFraming?
    private var method = ""
    private var receivedBytes: UInt64 = 0
    /// How many bytes of the body came since ``lastReceived``.
    private var bytesSinceEnough = 0
    private var acknowledgesEarly = true
    private var status = 0
    private var sentBytes = 0
    /// How much of the body was in when the request was counted; nil until then.
    private var countedBytes: UInt64?

    /// - Parameter target: The request's target, not yet unescaped.
    @unsafe
    init(connection: Connection, target: UnsafePointer<CChar>?) {
        self.connection = connection
        startedAt = DispatchTime.now().uptimeNanoseconds
        lastReceived = Atomic(startedAt)
        self.target = unsafe target.flatMap { target in
            let text = unsafe String(cString: target)
            return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !text.isEmpty ? text : nil
        }
        core.metrics.began()
        if !core.inFlight.add(self) { answer(core.configuration.problem(.unavailable)) }
    }

    /// Does what the library's access handler has to; `NO` closes the connection.
    @unsafe
    func handle(_ call: Call) -> MHD_Result {
        if case .head = stage {
            connection.headIsIn()
            return unsafe begin(call)
        }
        let count = unsafe call.byteCount.pointee
        guard count > 0, let bytes = unsafe call.bytes else { return end() }
        unsafe call.byteCount.pointee = 0
        if let chunks, unsafe !chunks.isInOrder(before: bytes) {
            refuse(.malformed)
            return .NO
        }
        bytesSinceEnough += count
        if bytesSinceEnough >= core.configuration.enoughBytes {
            bytesSinceEnough = 0
            lastReceived.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
        }
        let body = unsafe UnsafeRawBufferPointer(start: bytes, count: count).bindMemory(to: UInt8.self)
        let result = receiveInSteps(unsafe Span(_unsafeElements: body))
        return isAbandoned ? .NO : result
    }

    /// Has TCP acknowledge what has been read while the rest of it is looked at, so that the client, which waits for that with
    /// its buffers full, goes on: of 176 MB over the loopback device an eighth of the time. Where more requests are under way than
    /// there are threads, none of which waits then, the calls would only cost.
    private func receiveInSteps(_ bytes: borrowing Span<UInt8>) -> MHD_Result {
        let isWorthIt = bytes.count > Self.stepByteCount && core.inFlight.count <= core.configuration.threads
        var start = 0
        repeat {
            let end = isWorthIt && acknowledgesEarly ? min(start + Self.stepByteCount, bytes.count) : bytes.count
            guard receive(bytes.extracting(start..<end)) == .YES else { return .NO }
            start = end
            if start < bytes.count {
                let result = connection.withDescriptor { descriptor in
                    var on: Int32 = 1
                    let size = socklen_t(MemoryLayout<Int32>.size)
                    return unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, size)
                }
                // There is nothing to acknowledge on Unix sockets.
                acknowledgesEarly = result == 0
            }
        } while start < bytes.count
        return .YES
    }

    private static let stepByteCount = 32 << 10

    /// Whether the client has closed its side with nothing more to read.
    ///
    /// libmicrohttpd 0.9.75 takes a short read for the end of what there is, and where the client's close came in the
    /// same edge-triggered event as the bytes before it, it never hears of the close: the request would hang until it is
    /// idle for too long.
    ///
    /// Of TLS it reads until there is no more, and there the end of the socket says nothing: what came before it may
    /// wait decrypted.
    private var isAbandoned: Bool {
        guard let expectedBytes, receivedBytes < expectedBytes else { return false }
        return isAtEnd
    }

    /// Whether the socket has nothing more to read and never will; false over TLS, where that is not the end.
    private var isAtEnd: Bool { !listener.isSecure && connection.isAtEnd }

    /// Refuses a request that has stopped arriving, or comes too slowly: what the library would do is to close without a word.
    ///
    /// An answer may not be queued before the body is complete, so it is written to the socket by hand, which is then
    /// shut down; the library sees that as a client that went away. Nothing is written into a TLS connection, where only the
    /// library knows the keys.
    ///
    /// - Parameters:
    ///   - deadline: In nanoseconds of uptime; who has sent enough since is left alone.
    func expire(before deadline: UInt64, with problem: (ServerRefusal) -> Response) {
        reply.withLock { reply in
            guard case .open = reply, lastReceived.load(ordering: .relaxed) < deadline else { return }
            reply = .closed
            isExpired.store(true, ordering: .relaxed)
            let bytes = listener.isSecure ? [] : problem(.timedOut).closingBytes(id: id.withLock { $0 })
            _ = connection.withDescriptor { descriptor in
                _ = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
                shutdown(descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    /// Tells the library, where a request is not complete, of a client that has closed its side: see ``isAbandoned``, which only
    /// looks when a piece of a body is in.
    ///
    /// To end the reading, which has ended anyway, makes the event that the library missed.
    func noticeEnd() {
        reply.withLock { reply in
            guard case .open = reply, isAtEnd else { return }
            _ = connection.withDescriptor { shutdown($0, Int32(SHUT_RD)) }
        }
    }

    /// Ends a request whose client has hung up while the connection is suspended.
    func noticeHangUp() {
        stream.withLock { $0 }?.noticeHangUp(of: connection)
        let hasLeft = reply.withLock { reply in
            guard case .suspended = reply, departing != nil, connection.hasHungUp else { return false }
            reply = .closed
            unsafe MHD_resume_connection(connection.handle)
            return true
        }
        if hasLeft { departing?.clientLeft() }
    }

    /// Takes the answer, once and from any thread; what comes later is dropped.
    ///
    /// - Returns: Whether the answer is the one that the client gets.
    @discardableResult
    func answer(_ response: Response) -> Bool {
        reply.withLock { reply in
            switch reply {
            case .open:
                reply = .ready(response)
            case .suspended:
                reply = .ready(response)
                unsafe MHD_resume_connection(connection.handle)
            case .ready, .closed:
                return false
            }
            return true
        }
    }

    /// Ends what is sent as a stream.
    ///
    /// - Returns: Whether there was a stream.
    func endStream() -> Bool {
        guard let stream = stream.withLock({ $0 }) else { return false }
        stream.end()
        return true
    }

    /// The library is done with the request, answered or not, and calls no more.
    func complete() {
        if case .receiving(let sink) = stage { sink.abandon() }
        stage = .answered
        reply.withLock { $0 = .closed }
        let stream = stream.withLock { $0 }
        stream?.close()
        let streamedBytes = stream?.sentBytes ?? 0
        if let countedBytes {
            core.metrics.countBytes(received: receivedBytes - countedBytes, sent: streamedBytes)
        } else {
            if isExpired.load(ordering: .relaxed) { status = HTTPResponse.Status.requestTimeout.code }
            count()
        }
        sentBytes += streamedBytes
        core.metrics.ended()
        core.inFlight.remove(self)
        core.configuration.logger.debug("request", metadata: metadata)
    }

    private var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "http.method": "\(method)", "http.path": "\(target ?? "")", "http.status": "\(status)",
            "http.received_bytes": "\(receivedBytes)", "http.sent_bytes": "\(sentBytes)",
            "request.id": "\(id.withLock { $0 })",
        ]
        if let trace {
            metadata["trace.id"] = "\(trace.traceID)"
            metadata["traceparent"] = .string(trace.parent)
        }
        return metadata
    }

    /// Counts the request. That is before its answer goes out, so that who has the answer finds it counted.
    private func count() {
        countedBytes = receivedBytes
        let outcome = RequestMetrics.Outcome(
            path: path, method: method, status: status == 0 ? nil : status, receivedBytes: receivedBytes,
            sentBytes: sentBytes, duration: DispatchTime.now().uptimeNanoseconds - startedAt)
        core.metrics.count(outcome)
    }

    // MARK: - Head

    @unsafe
    private func begin(_ call: Call) -> MHD_Result {
        do throws(ServerRefusal) {
            let (head, length) = try unsafe readHead(call)
            if let response = takeReply() { return refuse(response, head) }
            if case .unknown = head.bodyLength {
                let headSize = unsafe segscore_mhd_head_size(connection.handle)
                unsafe chunks = ChunkFraming(start: call.method + headSize)
            }
            let limit = core.configuration.maxBodyBytes
            expectedBytes = length > 0 ? length : nil
            if length > limit { return refuse(core.configuration.problem(.bodyTooLarge(limit: limit)), head) }

            let form = FormFactory(contentType: head.request.headerFields[.contentType])
            let request = IncomingRequest(
                head: head.request, id: id.withLock { $0 }, trace: trace, multipart: form, role: listener.role,
                listeningHost: listener.host, peer: connection.peer, isCrowded: isCrowded)
            let reception = core.responder.respond(to: request)
            path = reception.path
            switch reception.decision {
            case .refuse(let response): return refuse(response, head)
            case .receive(let sink): stage = .receiving(sink)
            }
            return .YES
        } catch {
            // Where such a request ends is anyone's guess, so the connection ends with it.
            connection.lingerAtEnd()
            return send(core.configuration.problem(error))
        }
    }

    @unsafe
    private func readHead(_ call: Call) throws(ServerRefusal) -> (RequestHead, length: UInt64) {
        method = unsafe String(cString: call.method)
        let fields = try unsafe FieldCollector.collect(
            connection.handle, method: call.method, version: call.version,
            maxHeaderBytes: core.configuration.maxHeaderBytes)
        if let requestID = fields.requestID { id.withLock { $0 = requestID } }
        trace = fields[.traceParent].flatMap(TraceContext.init)
        // A target that a NUL cut short does not reach up to the version.
        let gap = unsafe UInt(bitPattern: call.version) &- UInt(bitPattern: call.target)
        let target = target.flatMap { gap == UInt($0.utf8.count) + 1 ? $0 : nil }
        let head = try RequestHead(
            method: method, target: target, version: unsafe String(cString: call.version), fields: fields,
            scheme: listener.isSecure ? "https" : "http")
        return switch head.bodyLength {
        case .none, .unknown: (head, 0)
        case .known(let length): (head, length)
        }
    }

    /// Answers a request whose body is not wanted: a body that is soon over is swallowed first, since the connection
    /// then lives on; any other is not waited for.
    private func refuse(_ response: Response, _ head: RequestHead) -> MHD_Result {
        switch head.bodyLength {
        case .none:
            break
        case .known(let length) where length <= core.configuration.swallowedBytes && !head.expectsContinue:
            break
        case .known, .unknown:
            connection.lingerAtEnd()
            return send(response)
        }
        stage = .decided(response)
        return .YES
    }

    private static func randomID() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    // MARK: - Body

    private func receive(_ bytes: borrowing Span<UInt8>) -> MHD_Result {
        receivedBytes += UInt64(bytes.count)
        let limit = core.configuration.maxBodyBytes
        switch stage {
        case .receiving(let sink):
            guard receivedBytes > limit else {
                sink.receive(bytes)
                return .YES
            }
            stage = .decided(core.configuration.problem(.bodyTooLarge(limit: limit)))
            sink.abandon()
        case .decided(let response):
            // Only a chunked body, of which nobody knew how long it is, gets further than that.
            let (patience, overflow) = limit.addingReportingOverflow(core.configuration.swallowedBytes)
            guard overflow || receivedBytes <= patience else {
                sendLast(response)
                return .NO
            }
        case .head, .waiting, .answered:
            return .NO
        }
        return .YES
    }

    private func end() -> MHD_Result {
        switch stage {
        case .receiving(let sink) where unsafe chunks?.isInOrderAtEnd == false:
            sink.abandon()
            return send(core.configuration.problem(.malformed))
        case .decided(let response):
            return send(response)
        case .receiving(let sink):
            if let response = takeReply() {
                sink.abandon()
                return send(response)
            }
            stage = .waiting
            sink.finish { self.answer($0) }
            if sink.endsWithItsClient { departing = sink }
            return sendOrSuspend()
        case .waiting:
            return sendOrSuspend()
        case .head, .answered:
            return .YES
        }
    }

    // MARK: - Answer

    /// Answers what the library is about to refuse by itself; the connection ends with it.
    func refuse(_ refusal: ServerRefusal) {
        if case .decided(let response) = stage { return sendLast(response) }
        sendLast(core.configuration.problem(refusal))
    }

    /// Answers where the library takes no answer; the connection ends with it.
    private func sendLast(_ response: Response) {
        switch stage {
        case .answered: return
        case .receiving(let sink): sink.abandon()
        case .head, .decided, .waiting: break
        }
        settle(response)
        connection.sendLast(response.closingBytes(id: id.withLock { $0 }, isHead: method == "HEAD"))
    }

    /// Counts an answer that is about to go out.
    private func settle(_ response: Response) {
        stage = .answered
        status = response.head.status.code
        sentBytes = method == "HEAD" ? 0 : response.body.byteCount
        count()
    }

    private func sendOrSuspend() -> MHD_Result {
        let (response, result): (Response?, MHD_Result) = reply.withLock { reply in
            switch reply {
            case .ready(let response):
                reply = .closed
                return (response, .YES)
            case .open:
                unsafe MHD_suspend_connection(connection.handle)
                reply = .suspended
                if departing != nil { core.hangUps.watch(connection, for: self) }
                return (nil, .YES)
            case .suspended:
                return (nil, .YES)
            case .closed:
                // Expired at the last moment: the socket is shut down. Or the client has hung up.
                return (nil, .NO)
            }
        }
        return response.map(send) ?? result
    }

    /// An answer that came although nobody was asked: the server is being stopped.
    private func takeReply() -> Response? {
        reply.withLock { reply in
            guard case .ready(let response) = reply else { return nil }
            reply = .closed
            return response
        }
    }

    private func send(_ response: Response) -> MHD_Result {
        settle(response)
        let sent = response.body.stream.map { stream in
            unsafe SentStream(stream, on: connection.handle) { [weak self] in
                if let self { core.hangUps.watch(connection, for: self) }
            }
        }
        stream.withLock { $0 = sent }
        // A stop that came before the line above has not seen the stream.
        if core.inFlight.isStopping { sent?.end() }
        // Bytes behind the body would have the system reset the connection, and the answer with it.
        if chunks != nil { connection.lingerAtEnd() }
        let isLast = core.inFlight.isDraining || isCrowded || chunks != nil
        return unsafe queue(
            response, on: connection.handle, stream: sent, id: id.withLock { $0 }, closing: isLast)
    }
}
