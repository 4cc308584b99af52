import HTTPTypes
import Logging
import ServiceInterface
import Synchronization

/// One request and its answer.
///
/// libmicrohttpd calls ``handle(_:)`` once when the head is in, once for each piece of the body, and once at its end;
/// after a suspension once more. An answer may only be queued in the first call, which costs the connection, or from
/// the last on; so what is decided in between waits in `stage` while the rest of the body is swallowed.
///
/// `@unchecked Sendable`: everything but `reply`, `client`, `stream` and `id` is touched by the connection's daemon
/// thread alone.
@safe
final class Exchange: @unchecked Sendable {
    private enum Stage {
        case head
        /// The answer is settled; what still comes of the body is dropped.
        case decided(Response)
        case receiving(any BodySink)
        /// The sink has the whole body.
        case waiting
        case answered
    }

    private let connection: Connection
    private var listener: Listener { connection.listener }
    private var core: ServerCore { connection.core }
    private let reply: PendingReply
    private let client: ClientWatch
    private var record: RequestRecord

    private var stage = Stage.head
    /// Set while a stream is sent; also read by the thread that stops the server.
    private let stream = Mutex<SentStream?>(nil)
    /// Also read by the thread that ends what has stopped arriving.
    private let id = Mutex(Exchange.randomID())
    /// Whether the connection is one too many, and ends with this request.
    private lazy var isCrowded = connection.isCrowded
    /// The size of the body, where the head says it.
    private var expectedBytes: UInt64?
    /// Set where the body is chunked.
    private var chunks: ChunkFraming?
    private var acknowledgement = EarlyAcknowledgement()

    /// - Parameter target: The request's target, not yet unescaped.
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

    /// Does what the library's access handler has to.
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

    /// Takes the answer, once and from any thread; what comes later is dropped.
    ///
    /// - Returns: Whether the answer is the one that the client gets.
    @discardableResult
    func answer(_ response: Response) -> Bool { reply.answer(response) }

    /// Refuses a request that has stopped arriving, or comes too slowly.
    ///
    /// - Parameter deadline: In nanoseconds of uptime; who has sent enough since is left alone.
    func expire(before deadline: UInt64, with problem: (ServerRefusal) -> Response) {
        client.expire(before: deadline) { problem(.timedOut).closingBytes(id: id.withLock { $0 }) }
    }

    /// Ends a request that is not complete where its client has closed its side.
    func noticeEnd() {
        client.noticeEnd()
    }

    /// Ends a request whose client has hung up while the connection is suspended.
    func noticeHangUp() {
        stream.withLock { $0 }?.noticeHangUp(of: connection)
        client.noticeHangUp()
    }

    /// Ends what is sent as a stream.
    ///
    /// - Returns: Whether there was a stream.
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
                listeningHost: listener.host, peer: connection.peer, isCrowded: isCrowded)
            let reception = core.responder.respond(to: request)
            record.path = reception.path
            switch reception.decision {
            case .refuse(let response): return refuse(response, head)
            case .receive(let sink): stage = .receiving(sink)
            }
            return .goOn
        } catch {
            // Where such a request ends is anyone's guess, so the connection ends with it.
            connection.lingerAtEnd()
            return send(core.configuration.problem(error))
        }
    }

    @unsafe
    private func readHead(_ call: AccessCall) throws(ServerRefusal) -> RequestHead {
        record.method = unsafe String(cString: call.method)
        let fields = try unsafe call.fields(of: connection)
        if let requestID = fields.requestID { id.withLock { $0 = requestID } }
        record.trace = fields[.traceParent].flatMap(TraceContext.init)
        return try unsafe call.head(fields, target: record.target, isSecure: listener.isSecure)
    }

    /// Answers a request whose body is not wanted: a body that is soon over is swallowed first, since the connection
    /// then lives on; any other is not waited for.
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

    private static func randomID() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
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
            // Only a chunked body, of which nobody knew how long it is, gets further than that.
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
        connection.sendLast(response.closingBytes(id: id.withLock { $0 }, isHead: record.isHead))
    }

    /// Counts an answer that is about to go out.
    private func settle(_ response: Response) {
        stage = .answered
        record.settle(response, in: core.metrics)
    }

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
        // A stop that came before the line above has not seen the stream.
        if core.inFlight.isStopping { sent?.end() }
        // Bytes behind the body would have the system reset the connection, and the answer with it.
        if chunks != nil { connection.lingerAtEnd() }
        let isLast = core.inFlight.isDraining || isCrowded || chunks != nil
        return connection.queue(response, stream: sent, id: id.withLock { $0 }, closing: isLast)
    }

    /// The library is done with the request, answered or not, and calls no more.
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
