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

        /// The body as JSON; nil if it is something else.
        func decoded<Document: Decodable>(as type: Document.Type) -> Document? {
            try? JSONDecoder().decode(type, from: Data(body))
        }
    }

    /// Sends a request, and waits for the answer.
    func send(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:], body: [UInt8] = []
    ) -> Answer {
        var head = HTTPRequest(
            method: method, scheme: "http", authority: "localhost", path: target, headerFields: fields)
        if method == .post || method == .put { head.headerFields[.contentLength] = String(body.count) }
        let reception = server.respond(to: IncomingRequest(head: head, id: UUID().uuidString))
        switch reception.decision {
        case .refuse(let response): return Self.read(response)
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
            return Self.read(response)
        }
    }

    private static func read(_ response: Response) -> Answer {
        var bytes: [UInt8] = []
        for segment in response.body.segments {
            unsafe bytes.append(contentsOf: segment.owner.stableBytes[segment.range])
        }
        if let stream = response.body.stream { bytes = read(stream) }
        return Answer(
            status: response.head.status.code, fields: response.head.headerFields, body: bytes)
    }

    private static func read(_ stream: ByteStream) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = DispatchSemaphore(value: 0)
            switch stream.next(limit: 1 << 20, wake: { more.signal() }) {
            case .bytes(let next): bytes += next
            case .later: more.wait()
            case .end, .cut: return bytes
            }
        }
    }
}
