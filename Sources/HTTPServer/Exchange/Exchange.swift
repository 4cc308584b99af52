import HTTPTypes
import Logging
import ServiceInterface
import Synchronization

/// One request and its answer.
///
/// libmicrohttpd calls ``handle(_:)`` once when the head has arrived, once for each piece of the body, and once at the
/// end of the body, and once more after a suspension. It takes an answer either in the first call, which costs the
/// connection, or from the last call on. An answer that is decided in between waits in `stage` while the rest of the
/// body is dropped.
///
/// `@unchecked Sendable`: only the connection's daemon thread touches any member other than `reply`, `client`, `stream`
/// and `id`.
@safe
final class Exchange: @unchecked Sendable {
    private enum Stage {
        case head
        /// The answer is settled, and the rest of the body is dropped.
        case decided(Response)
        case receiving(any BodySink)
        /// The sink has the whole body and has not answered.
        case waiting
        /// The answer has been handed to the library.
        case answered
    }

    private let connection: Connection
    private var listener: Listener { connection.listener }
    private var core: ServerCore { connection.core }
    private let reply: PendingReply
    private let client: ClientWatch
    private var record: RequestRecord

    private var stage = Stage.head
    /// The stream that is being sent, if any. The thread that stops the server reads it too.
    private let stream = Mutex<SentStream?>(nil)
    /// The id of the request. The thread that ends stalled requests reads it too.
    private let id = Mutex(RequestID.random())
    /// Whether the connection is one more than there are places, and ends with this request.
    private lazy var isCrowded = connection.isCrowded
    /// The size of the body in bytes, if the head names it.
    private var expectedBytes: UInt64?
    /// Checks the framing of the body if that is chunked.
    private var chunks: ChunkFraming?
    private var acknowledgement = EarlyAcknowledgement()

    /// - Parameter target: The target of the request, not yet unescaped.
    @unsafe
    init(connection: Connection, target: UnsafePointer<CChar>?) {
        self.connection = connection
        record = RequestRecord(
            target: unsafe target.flatMap { target in
                let text = unsafe String(cString: target)
                return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !text.isEmpty ? text : nil
            })
        reply = PendingReply(connection)
        client = ClientWatch(connection, reply, since: record.startedAt)
        core.metrics.began()
        if !core.inFlight.add(self) { answer(core.configuration.problem(.unavailable)) }
    }

    /// Takes a call of the library's access handler.
    @unsafe
    func handle(_ call: AccessCall) -> AccessCall.Step {
        if case .head = stage {
            connection.headIsIn()
            return unsafe begin(call)
        }
        let count = unsafe call.byteCount.pointee
        guard count > 0, let bytes = unsafe call.bytes else { return end() }
        unsafe call.byteCount.pointee = 0
        if let chunks, unsafe !chunks.isInOrder(before: bytes) {
            refuse(.malformed)
            return .closeConnection
        }
        client.received(count)
        let body = unsafe UnsafeRawBufferPointer(start: bytes, count: count).bindMemory(to: UInt8.self)
        let step = unsafe acknowledgement.pass(
            Span(_unsafeElements: body), from: connection,
            isIdle: core.inFlight.count <= core.configuration.threads
        ) { receive($0) }
        return isAbandoned ? .closeConnection : step
    }

    /// Whether the client has closed its side before the end of its request.
    private var isAbandoned: Bool {
        guard let expectedBytes, record.receivedBytes < expectedBytes else { return false }
        return client.isAtEnd
    }

    // MARK: - From other threads

    /// Takes the answer, once and from any thread. Answers that come later are dropped.
    ///
    /// - Returns: Whether the client gets this answer.
    @discardableResult
    func answer(_ response: Response) -> Bool { reply.answer(response) }

    /// Refuses a request that has stopped arriving, or arrives too slowly.
    ///
    /// - Parameters:
    ///   - deadline: In nanoseconds of uptime. A client that has sent enough since then is left alone.
    ///   - problem: Words the answer.
    func expire(before deadline: UInt64, with problem: (ServerRefusal) -> Response) {
        client.expire(before: deadline) { problem(.timedOut).closingBytes(id: id.withLock { $0 }) }
    }

    /// Ends an incomplete request if its client has closed its side.
    func noticeEnd() {
        client.noticeEnd()
    }

    /// Ends a request whose client has hung up while the connection is suspended.
    func noticeHangUp() {
        stream.withLock { $0 }?.noticeHangUp(of: connection)
        client.noticeHangUp()
    }

    /// Ends the stream that is being sent, if there is one.
    ///
    /// - Returns: Whether there was one.
    func endStream() -> Bool {
        guard let stream = stream.withLock({ $0 }) else { return false }
        stream.end()
        return true
    }

    // MARK: - Head

    @unsafe
    private func begin(_ call: AccessCall) -> AccessCall.Step {
        do throws(ServerRefusal) {
            let head = try unsafe readHead(call)
            if let response = reply.collectEarly() { return refuse(response, head) }
            switch head.bodyLength {
            case .none: break
            case .known(let length): expectedBytes = length
            case .unknown: unsafe chunks = ChunkFraming(start: call.method + connection.headSize)
            }
            let limit = core.configuration.maxBodyBytes
            if let expectedBytes, expectedBytes > limit {
                return refuse(core.configuration.problem(.bodyTooLarge(limit: limit)), head)
            }

            let request = IncomingRequest(
                head: head.request, id: id.withLock { $0 }, trace: record.trace, role: listener.role,
                listeningHost: listener.host, peer: connection.peer, process: connection.process,
                isCrowded: isCrowded)
            let reception = core.responder.respond(to: request)
            record.path = reception.path
            switch reception.decision {
            case .refuse(let response): return refuse(response, head)
            case .receive(let sink): stage = .receiving(sink)
            }
            return .goOn
        } catch {
            // Nobody can tell where such a request ends, so the connection ends with it.
            connection.lingerAtEnd()
            return send(core.configuration.problem(error))
        }
    }

    @unsafe
    private func readHead(_ call: AccessCall) throws(ServerRefusal) -> RequestHead {
        record.method = unsafe String(cString: call.method)
        let fields = try unsafe call.fields(of: connection)
        if let requestID = RequestID.given(in: fields) { id.withLock { $0 = requestID } }
        record.trace = fields[.traceParent].flatMap(TraceContext.init)
        return try unsafe call.head(fields, target: record.target, isSecure: listener.isSecure)
    }

    /// Answers a request whose body nobody wants. A short body is dropped first, because the connection can then be
    /// used again; a longer one is not waited for.
    private func refuse(_ response: Response, _ head: RequestHead) -> AccessCall.Step {
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
        return .goOn
    }

    // MARK: - Body

    private func receive(_ bytes: borrowing Span<UInt8>) -> AccessCall.Step {
        record.received(bytes.count)
        let limit = core.configuration.maxBodyBytes
        switch stage {
        case .receiving(let sink):
            guard record.receivedBytes > limit else {
                sink.receive(bytes)
                return .goOn
            }
            stage = .decided(core.configuration.problem(.bodyTooLarge(limit: limit)))
            sink.abandon()
        case .decided(let response):
            // Only a chunked body gets here, since its size was not known beforehand.
            let (patience, overflow) = limit.addingReportingOverflow(core.configuration.swallowedBytes)
            guard overflow || record.receivedBytes <= patience else {
                sendLast(response)
                return .closeConnection
            }
        case .head, .waiting, .answered:
            return .closeConnection
        }
        return .goOn
    }

    private func end() -> AccessCall.Step {
        switch stage {
        case .receiving(let sink) where unsafe chunks?.isInOrderAtEnd == false:
            sink.abandon()
            return send(core.configuration.problem(.malformed))
        case .decided(let response):
            return send(response)
        case .receiving(let sink):
            if let response = reply.collectEarly() {
                sink.abandon()
                return send(response)
            }
            stage = .waiting
            sink.finish { self.answer($0) }
            if sink.endsWithItsClient { client.endWithClient(sink) }
            return sendOrSuspend()
        case .waiting:
            return sendOrSuspend()
        case .head, .answered:
            return .goOn
        }
    }

    // MARK: - Answer

    /// Answers a request that the library is about to refuse. The connection ends with the answer.
    func refuse(_ refusal: ServerRefusal) {
        if case .decided(let response) = stage { return sendLast(response) }
        sendLast(core.configuration.problem(refusal))
    }

    /// Answers at a time at which the library takes no answer. The connection ends with the answer.
    private func sendLast(_ response: Response) {
        switch stage {
        case .answered: return
        case .receiving(let sink): sink.abandon()
        case .head, .decided, .waiting: break
        }
        settle(response)
        connection.sendLast(response.closingBytes(id: id.withLock { $0 }, isHead: record.isHead))
    }

    /// Counts an answer that is about to go out.
    private func settle(_ response: Response) {
        stage = .answered
        record.settle(response, in: core.metrics)
    }

    /// Sends the answer if it is there, and otherwise suspends the connection until it is.
    private func sendOrSuspend() -> AccessCall.Step {
        switch reply.collect(whenSuspended: { client.beginWaiting(for: self) }) {
        case .send(let response): send(response)
        case .suspend, .wait: .goOn
        case .close: .closeConnection
        }
    }

    private func send(_ response: Response) -> AccessCall.Step {
        settle(response)
        let sent = response.body.stream.map { stream in
            SentStream(stream, on: connection) { [weak self] in
                if let self { core.hangUps.watch(connection, for: self) }
            }
        }
        stream.withLock { $0 = sent }
        // If the server was stopped before the line above, the stop has not seen the stream.
        if core.inFlight.isStopping { sent?.end() }
        // Bytes that follow the body would have the system reset the connection, and the client would lose the answer.
        if chunks != nil { connection.lingerAtEnd() }
        let isLast = core.inFlight.isDraining || isCrowded || chunks != nil
        return connection.queue(response, stream: sent, id: id.withLock { $0 }, closing: isLast)
    }

    /// Completes the exchange. The library is done with the request, answered or not, and makes no further calls for
    /// it.
    func complete() {
        if case .receiving(let sink) = stage { sink.abandon() }
        stage = .answered
        reply.close()
        let stream = stream.withLock { $0 }
        stream?.close()
        record.complete(streamedBytes: stream?.sentBytes ?? 0, isExpired: client.isExpired, in: core.metrics)
        core.metrics.ended()
        core.inFlight.remove(self)
        core.configuration.logger.debug("request", metadata: record.metadata(id: id.withLock { $0 }))
    }
}
