import Dispatch
import Foundation
import HTTPTypes
import Memory
import ServiceInterface
import Synchronization

/// Asks the server of this very process, without a connection.
struct LocalClient: Sendable {
    private let server: any Responder

    init(_ server: any Responder) {
        self.server = server
    }

    /// An answer, whole.
    struct Answer: Sendable {
        let status: Int
        let fields: HTTPFields
        let body: [UInt8]

        /// Reads a body to its end.
        init(_ response: Response) {
            var bytes: [UInt8] = []
            var body = Body(response)
            // What breaks off is no JSON, and whoever decodes it is told so.
            while let next = try? body.next() { bytes += next }
            (status, fields, self.body) = (response.head.status.code, response.head.headerFields, bytes)
        }

        /// The body as JSON; nil if it is something else.
        func decoded<Document: Decodable>(as type: Document.Type) -> Document? {
            try? JSONDecoder().decode(type, from: Data(body))
        }
    }

    /// What is read of a problem.
    struct Fault: Decodable {
        let detail: String
    }

    /// Sends a request, and waits for the answer and all of its body.
    func send(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:], body: [UInt8] = []
    ) -> Answer {
        Answer(ask(method, target, fields, body: body))
    }

    /// Sends a request, and waits for the answer's head.
    func ask(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:], body: [UInt8] = []
    ) -> Response {
        var head = HTTPRequest(
            method: method, scheme: "http", authority: "localhost", path: target, headerFields: fields)
        if method == .post || method == .put { head.headerFields[.contentLength] = String(body.count) }
        let reception = server.respond(to: IncomingRequest(head: head, id: UUID().uuidString))
        switch reception.decision {
        case .refuse(let response): return response
        case .receive(let sink):
            sink.receive(body.span)
            let answer = Mutex<Response?>(nil)
            let isThere = DispatchSemaphore(value: 0)
            sink.finish { response in
                answer.withLock { $0 = response }
                isThere.signal()
            }
            isThere.wait()
            guard let response = answer.withLock({ $0 }) else { preconditionFailure("an answer was signalled") }
            return response
        }
    }

    /// The body of an answer, a piece at a time.
    struct Body {
        private var segments: ArraySlice<ResponseBody.Segment>
        private let stream: ByteStream?

        init(_ response: Response) {
            (segments, stream) = (response.body.segments[...], response.body.stream)
        }

        /// The next piece, or nil behind the last.
        ///
        /// - Throws: ``ByteStream/CutOff`` if the body breaks off.
        mutating func next() throws(ByteStream.CutOff) -> [UInt8]? {
            if let segment = segments.popFirst() { return unsafe Array(segment.owner.stableBytes[segment.range]) }
            guard let stream else { return nil }
            while true {
                let more = DispatchSemaphore(value: 0)
                switch stream.next(limit: 1 << 20, wake: { more.signal() }) {
                case .bytes(let next): return next
                case .later: more.wait()
                case .end: return nil
                case .cut: throw ByteStream.CutOff()
                }
            }
        }
    }
}
