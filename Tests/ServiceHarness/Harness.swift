package import Foundation
package import HTTPTypes
package import Jobs
package import JobStorage
package import Logging
import OpenInference
package import PrometheusText
import ReviewPage
package import ScoringService
package import ServiceInterface
import Synchronization
package import TestSupport
import Threads
package import WebService

/// A service in memory: requests go straight to its router, as the server would send them.
package struct Harness {
    package let service: Service
    package let endpoints: [EndpointGroup]
    package let router: Router
    package let spool: TemporaryDirectory

    package init(
        workers: Int = 1, backlog: Int = 8, timeToLive: TimeInterval = 3600, resultBytes: Int = 1 << 20,
        history: Int = 100, maxBodyBytes: Int = 1 << 24, maxJSONBytes: Int = 1 << 20, maxPixels: Int = 1 << 20,
        metrics: MetricRegistry = MetricRegistry(), access: AccessControl = AccessControl(),
        store: any JobStore<ScoreJob> = MemoryJobStore<ScoreJob>(),
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
            logger: .silent, store: store, metrics: metrics,
            exposition: { metrics.text() }, whenEnded: statistics.count)
        let inference = InferenceService(service, statistics, sharedMemoryDirectory: sharedMemory?.path)
        endpoints = [inference.endpoints, service.endpoints, ReviewPage.endpoints]
        router = Router(endpoints, access: access, render: service.response)
    }

    package var jobCount: Int { service.queue.jobs(limit: .max).jobs.count }

    /// Sends a request, its body in chunks, and waits for the answer.
    ///
    /// - Parameter chunk: The size of the pieces that the body comes in; nil for one piece.
    package func send(
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

    package func get(_ target: String, _ fields: HTTPFields = [:]) async -> Reply {
        await send(.get, target, fields)
    }

    package func score(_ body: Body, query: String = "", _ fields: HTTPFields = [:], chunk: Int? = nil) async -> Reply {
        await send(.post, "/score" + query, body.fields.merging(fields), body: body.bytes, chunk: chunk)
    }

    package func open(
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
    package func openScore(_ body: Body, query: String = "", _ fields: HTTPFields = [:]) throws -> any BodySink {
        let reception = open(.post, "/score" + query, body.fields.merging(fields), bodyCount: body.bytes.count)
        guard case .receive(let sink) = reception.decision else { throw Unexpected(description: "refused at the head") }
        return sink
    }

    /// The spool files that the process holds open.
    package var spoolFileCount: Int {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.filter { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            return target?.hasPrefix(spool.path + "/") ?? false
        }.count
    }
}

extension Logger {
    package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension BodySink {
    /// Sends bytes to the sink as a daemon thread would.
    ///
    /// - Parameter chunk: The size of the pieces; nil for one piece.
    package func push(_ bytes: [UInt8], chunk: Int? = nil) {
        let step = max(chunk ?? bytes.count, 1)
        for start in stride(from: 0, to: bytes.count, by: step) {
            DaemonThread.serve { receive(bytes.span.extracting(start..<min(start + step, bytes.count))) }
        }
    }

    /// Ends the body and waits for the answer.
    package func reply() async -> Reply {
        // The task must not wait on its thread: the rest of the body may need the very worker that calls back.
        // The thread sanitizer sees no order between a worker and a task whose continuation has been resumed already,
        // but it sees the order that this flag makes.
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
    package func merging(_ others: HTTPFields) -> HTTPFields {
        var result = self
        for field in others { result[field.name] = field.value }
        return result
    }
}
