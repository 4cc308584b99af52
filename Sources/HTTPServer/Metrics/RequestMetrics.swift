import CoreMetrics
import HTTPTypes
import ServiceInterface
import Synchronization

/// What is counted of requests.
///
/// Paths are counted by their templates, and methods that nobody answers as one, so that clients cannot make up
/// metrics.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        let path: Int
        let method: KnownMethod
        let status: Int
    }

    private struct Handles {
        let requests: Counter
        /// Of all requests of the path.
        let duration: Timer
    }

    /// How a request went.
    struct Outcome {
        /// Nil for a path that nothing has.
        let path: PathTemplate?
        let method: String
        /// Nil where the client went away, or the HTTP library refused, before there was an answer.
        let status: Int?
        let receivedBytes: UInt64
        let sentBytes: Int
        /// In nanoseconds.
        let duration: UInt64
    }

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

    /// A request's first line is in.
    func began() {
        inFlight.increment()
    }

    /// The last byte of an answer is out, or there will be none.
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

    /// Counts what of a body has gone out or come in since its request was counted.
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

/// The methods that are counted by themselves.
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
