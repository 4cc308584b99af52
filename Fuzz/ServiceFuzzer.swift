import Dispatch
import Foundation
import HTTPTypes
import Jobs
import Logging
import Memory
import OpenInference
import ServiceInterface
import Synchronization
import WebService

@testable import HTTPServer
@testable import ScoringService

/// A service in memory: requests go straight to its router, as the server would send them.
///
/// `@unchecked Sendable`: libFuzzer calls from one thread.
final class ServiceFuzzer: @unchecked Sendable {
    static let shared = ServiceFuzzer()

    private let service: Service
    private let router: Router

    private init() {
        ByteBudget.memory.limit = 64 << 20
        let statistics = InferenceStatistics()
        service = Service(
            configuration: Service.Configuration(
                maxBodyBytes: byteLimit, maxJSONBytes: byteLimit, maxPixels: 1 << 14,
                spoolDirectory: NSTemporaryDirectory(), processors: 2),
            limits: JobLimits(workers: 1, backlog: 4, timeToLive: 3600, resultBytes: 4 << 20, history: 16),
            logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }, whenEnded: statistics.count)
        let inference = InferenceService(service, statistics)
        router = Router([inference.endpoints, service.endpoints], render: service.response)
    }

    /// Sends one request. Where its target says `{id}` there is a job that has succeeded, at `{open}` one that is open.
    func run(_ input: [UInt8]) {
        var names: [String: String] = [:]
        if input.prefix(64).contains(UInt8(ascii: "{")) {
            names["{id}"] = job(
                "/score?method=num_pixel_issues&threshold=0.5",
                #"{"labels": [[[0, 1, 2]]], "pred_probs": [[[[0.9, 0.8, 0]], [[0.1, 0.2, 0]], [[0, 0, 1]]]]}"#)
            names["{open}"] = job("/jobs", "{}")
        }
        if let request = FuzzedRequest(input, names: names) {
            let response = send(request.head, request.body, by: chunkSize(of: input))
            check(response, to: request.head)
        }
        for id in names.values { _ = send(head(.delete, "/jobs/" + id), [], by: 1) }
        for job in service.queue.jobs(status: .open, limit: .max).jobs { service.queue.cancelOpen(job.id) }
        // What was promised for later is done now, so that this input is blamed for it.
        let idle = DispatchSemaphore(value: 0)
        service.queue.whenIdle { idle.signal() }
        idle.wait()
    }

    /// Makes a job, and returns its id.
    private func job(_ target: String, _ body: String) -> String {
        var request = head(.post, target)
        request.headerFields = [.contentType: "application/json", .contentLength: String(body.utf8.count)]
        let response = send(request, Array(body.utf8), by: .max)
        guard let path = response.head.headerFields[.location] else { fatalError("\(response.head)") }
        return String(path.dropFirst("/jobs/".count))
    }

    private func head(_ method: HTTPRequest.Method, _ target: String) -> HTTPRequest {
        HTTPRequest(method: method, scheme: "http", authority: "localhost", path: target)
    }

    private func send(_ head: HTTPRequest, _ body: [UInt8], by size: Int) -> Response {
        let request = IncomingRequest(
            head: head, id: "fuzz", trace: head.headerFields[.traceParent].flatMap(TraceContext.init))
        switch router.respond(to: request).decision {
        case .refuse(let response):
            return response
        case .receive(let sink):
            push(body, by: size) { sink.receive($0) }
            let answered = DispatchSemaphore(value: 0)
            let answer = Mutex<Response?>(nil)
            sink.finish { response in
                answer.withLock { $0 = response }
                answered.signal()
            }
            answered.wait()
            return answer.withLock { $0 } ?? Response(HTTPResponse(status: .internalServerError))
        }
    }

    /// The client's mistakes are 4xx; of the server's only a want of room may be seen.
    private func check(_ response: Response, to head: HTTPRequest) {
        let status = response.head.status.code
        precondition(status < 500 || status == 503 || status == 507, "\(status) for \(head)")
        response.body.stream?.close()
        var bytes: [UInt8] = []
        for segment in response.body.segments { bytes += segment.owner.stableBytes[segment.range] }
        let type = response.head.headerFields[.contentType]
        precondition(status < 400 || type == "application/problem+json", "\(type ?? "nothing") for \(status)")
        if type == "application/json" || type == "application/problem+json", status != 206, head.method != .head {
            do {
                _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            } catch {
                fatalError("no JSON: \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
