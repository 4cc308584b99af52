import Dispatch
import Foundation
import HTTPTypes
import Jobs
import Logging
import OpenInference
import PrometheusText
import ServiceInterface
import Synchronization
import Tensors
import TestSupport
import Testing
import Threads

@testable import JobStorage
@testable import ScoringService
@testable import WebService

/// A service in memory: requests go straight to its router, as the server would send them.
struct Harness {
    let service: Service
    let endpoints: [EndpointGroup]
    let router: Router
    let spool: TemporaryDirectory

    init(
        workers: Int = 1, backlog: Int = 8, timeToLive: TimeInterval = 3600, resultBytes: Int = 1 << 20,
        history: Int = 100, maxBodyBytes: Int = 1 << 24, maxJSONBytes: Int = 1 << 20, maxPixels: Int = 1 << 20,
        metrics: MetricRegistry = MetricRegistry(), access: AccessControl = AccessControl(),
        durable: DurableJobs? = nil,
        sharedMemory: TemporaryDirectory? = nil
    ) throws {
        spool = try TemporaryDirectory()
        let statistics = InferenceStatistics()
        service = Service(
            configuration: Service.Configuration(
                maxBodyBytes: maxBodyBytes, maxJSONBytes: maxJSONBytes, maxPixels: maxPixels,
                spoolDirectory: spool.path),
            limits: JobLimits(
                workers: workers, backlog: backlog, timeToLive: timeToLive, resultBytes: resultBytes,
                history: history),
            logger: .silent, durable: durable, metrics: metrics,
            exposition: { metrics.text() }, whenEnded: statistics.count)
        let inference = InferenceService(service, statistics, sharedMemoryDirectory: sharedMemory?.path)
        endpoints = [inference.endpoints, service.endpoints]
        router = Router(endpoints, access: access, render: service.response)
    }

    var jobCount: Int { service.queue.jobs(limit: .max).jobs.count }

    /// Sends a request, its body in chunks, and waits for the answer.
    ///
    /// - Parameter chunk: The size of the pieces that the body comes in; nil for one piece.
    func send(
        _ method: HTTPRequest.Method = .get, _ target: String, _ fields: HTTPFields = [:], body: [UInt8]? = nil,
        chunk: Int? = nil
    ) async -> Reply {
        switch open(method, target, fields, bodyCount: body?.count).decision {
        case .refuse(let response): return Reply(response, wasRefused: true)
        case .receive(let sink):
            if let body { sink.push(body, chunk: chunk) }
            return await sink.reply()
        }
    }

    func get(_ target: String, _ fields: HTTPFields = [:]) async -> Reply {
        await send(.get, target, fields)
    }

    func score(_ body: Body, query: String = "", _ fields: HTTPFields = [:], chunk: Int? = nil) async -> Reply {
        await send(.post, "/score" + query, body.fields.merging(fields), body: body.bytes, chunk: chunk)
    }

    func open(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:], bodyCount: Int? = nil,
        role: ListenerRole = .service
    ) -> Reception {
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: target)
        head.headerFields = fields
        if let bodyCount, fields[.contentLength] == nil { head.headerFields[.contentLength] = String(bodyCount) }
        let request = IncomingRequest(head: head, id: "test", role: role)
        return DaemonThread.serve { router.respond(to: request) }
    }

    /// Opens a `POST /score` whose body is still to come.
    func openScore(_ body: Body, query: String = "", _ fields: HTTPFields = [:]) throws -> any BodySink {
        let reception = open(.post, "/score" + query, body.fields.merging(fields), bodyCount: body.bytes.count)
        guard case .receive(let sink) = reception.decision else { throw Unexpected(description: "refused at the head") }
        return sink
    }

    /// The spool files that the process holds open.
    var spoolFileCount: Int {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.filter { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            return target?.hasPrefix(spool.path + "/") ?? false
        }.count
    }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension BodySink {
    func push(_ bytes: [UInt8], chunk: Int? = nil) {
        let step = max(chunk ?? bytes.count, 1)
        for start in stride(from: 0, to: bytes.count, by: step) {
            DaemonThread.serve { receive(bytes.span.extracting(start..<min(start + step, bytes.count))) }
        }
    }

    func reply() async -> Reply {
        // What is still to be made of the body may need the very worker that tells of it.
        // The thread sanitizer sees no order between a worker and a task that finds its continuation resumed already, but sees this.
        let isAnswered = Atomic(false)
        let response = await withCheckedContinuation { continuation in
            DaemonThread.serve {
                finish { response in
                    isAnswered.store(true, ordering: .releasing)
                    continuation.resume(returning: response)
                }
            }
        }
        _ = isAnswered.load(ordering: .acquiring)
        return Reply(response, wasRefused: false)
    }
}

extension HTTPFields {
    func merging(_ others: HTTPFields) -> HTTPFields {
        var result = self
        for field in others { result[field.name] = field.value }
        return result
    }
}

/// An answer whose body was gathered.
struct Reply: Sendable {
    let status: Int
    let fields: HTTPFields
    let bytes: [UInt8]
    /// Whether the answer was settled at the head.
    let wasRefused: Bool

    init(_ response: Response, wasRefused: Bool) {
        status = response.head.status.code
        fields = response.head.headerFields
        var bytes: [UInt8] = []
        for segment in response.body.segments {
            bytes += segment.owner.stableBytes[segment.range]
        }
        if response.head.headerFields[.contentType] == "application/json", let stream = response.body.stream {
            bytes = Self.read(stream)
        }
        self.bytes = bytes
        self.wasRefused = wasRefused
    }

    /// Reads what is made on workers while it is read.
    private static func read(_ stream: ByteStream) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = DispatchSemaphore(value: 0)
            switch DaemonThread.serve({ stream.next(limit: 5000) { more.signal() } }) {
            case .bytes(let next): bytes += next
            case .later: more.wait()
            case .end: return bytes
            case .cut: return []
            }
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(bytes))
        return try #require(value as? [String: Any])
    }

    /// The last part of a problem's type; nil where the answer is no problem.
    var problem: String? {
        guard fields[.contentType] == "application/problem+json", let type = try? json()["type"] as? String else {
            return nil
        }
        return type.replacing("urn:segscore:", with: "")
    }

    /// The path of the job that the answer tells of.
    func location() throws -> String { try #require(fields[.location]) }
}

final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("segscore-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.resolvingSymlinksInPath().path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}
