import CoreMetrics
import HTTPTypes
import ServiceInterface
import Synchronization

/// The metrics of requests.
///
/// Paths are counted by their templates, and all methods that no endpoint answers as one, so that clients cannot create
/// metrics by making up names.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        let path: Int
        let method: KnownMethod
        let status: Int
    }

    private struct Handles {
        let requests: Counter
        /// The durations of all requests of the path.
        let duration: Timer
    }

    /// The facts about a request that are counted.
    struct Outcome {
        /// Nil if no endpoint has the path.
        let path: PathTemplate?
        let method: String
        /// Nil if the client went away, or the library closed the connection, before there was an answer.
        let status: Int?
        let receivedBytes: UInt64
        let sentBytes: Int
        /// The time from the first line to the answer, in nanoseconds.
        let duration: UInt64
    }

    /// The template of all paths that no endpoint has.
    private static let elsewhere = PathTemplate(number: -1, text: "other")

    private let factory: any MetricsFactory
    private let inFlight: Meter
    private let receivedBytes: Counter
    private let sentBytes: Counter
    private let handles = Mutex<[Key: Handles]>([:])

    init(_ factory: any MetricsFactory) {
        self.factory = factory
        inFlight = Meter(label: "segscore_http_requests_in_flight", factory: factory)
        receivedBytes = Counter(label: "segscore_http_request_bytes_total", factory: factory)
        sentBytes = Counter(label: "segscore_http_response_bytes_total", factory: factory)
    }

    /// Notes that the first line of a request has arrived.
    func began() {
        inFlight.increment()
    }

    /// Notes that the last byte of an answer is out, or that there will be no answer.
    func ended() {
        inFlight.decrement()
    }

    /// Counts a request, once, when its answer is settled.
    func count(_ outcome: Outcome) {
        let path = outcome.path ?? Self.elsewhere
        let key = Key(path: path.number, method: KnownMethod(outcome.method), status: outcome.status ?? 0)
        let handles = handles.withLock { handles in
            if let known = handles[key] { return known }
            let made = makeHandles(path, key)
            handles[key] = made
            return made
        }
        handles.requests.increment()
        handles.duration.recordNanoseconds(outcome.duration)
        receivedBytes.increment(by: Int64(clamping: outcome.receivedBytes))
        sentBytes.increment(by: outcome.sentBytes)
    }

    /// Counts the bytes of bodies that have gone out or come in since their request was counted.
    func countBytes(received: UInt64, sent: Int) {
        receivedBytes.increment(by: Int64(clamping: received))
        sentBytes.increment(by: sent)
    }

    private func makeHandles(_ path: PathTemplate, _ key: Key) -> Handles {
        let route = ("route", path.text)
        let labels = [route, ("method", key.method.rawValue), ("status", key.status == 0 ? "none" : "\(key.status)")]
        return Handles(
            requests: Counter(label: "segscore_http_requests_total", dimensions: labels, factory: factory),
            duration: Timer(
                label: "segscore_http_request_duration_seconds", dimensions: [route], factory: factory))
    }
}

/// The methods that are counted one by one.
private enum KnownMethod: String {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    case other

    init(_ method: String) {
        self = KnownMethod(rawValue: method) ?? .other
    }
}
