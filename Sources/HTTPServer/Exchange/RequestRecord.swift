import Dispatch
import HTTPTypes
import Logging
import ServiceInterface

/// The facts about one request that metrics and the log hold.
struct RequestRecord {
    /// The target as it came; nil if it contains a byte that no target may contain.
    let target: String?
    /// The time at which the first line was in, in nanoseconds of uptime.
    let startedAt = DispatchTime.now().uptimeNanoseconds
    var method = ""
    var trace: TraceContext?
    /// The template that metrics count the request by.
    var path: PathTemplate?
    private(set) var receivedBytes: UInt64 = 0
    private var status = 0
    private var sentBytes = 0
    /// How many bytes of the body were in when the request was counted; nil until it is counted.
    private var countedBytes: UInt64?

    init(target: String?) {
        self.target = target
    }

    var isHead: Bool { method == "HEAD" }

    /// Notes that a piece of the body has arrived.
    mutating func received(_ byteCount: Int) {
        receivedBytes += UInt64(byteCount)
    }

    /// Counts the request. This happens before its answer goes out, so that a client that has the answer finds the
    /// request in the metrics.
    mutating func settle(_ response: Response, in metrics: RequestMetrics) {
        status = response.head.status.code
        sentBytes = isHead ? 0 : response.body.byteCount
        count(in: metrics)
    }

    /// Counts what is not counted yet. The library is done with the request.
    ///
    /// - Parameters:
    ///   - streamedBytes: How many bytes of a streamed body were sent.
    ///   - isExpired: Whether the request was refused because it did not arrive.
    mutating func complete(streamedBytes: Int, isExpired: Bool, in metrics: RequestMetrics) {
        if let countedBytes {
            metrics.countBytes(received: receivedBytes - countedBytes, sent: streamedBytes)
        } else {
            if isExpired { status = HTTPResponse.Status.requestTimeout.code }
            count(in: metrics)
        }
        sentBytes += streamedBytes
    }

    private mutating func count(in metrics: RequestMetrics) {
        countedBytes = receivedBytes
        metrics.count(
            RequestMetrics.Outcome(
                path: path, method: method, status: status == 0 ? nil : status, receivedBytes: receivedBytes,
                sentBytes: sentBytes, duration: DispatchTime.now().uptimeNanoseconds - startedAt))
    }

    /// The fields of the log line about the request.
    func metadata(id: String) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "http.method": "\(method)", "http.path": "\(target ?? "")", "http.status": "\(status)",
            "http.received_bytes": "\(receivedBytes)", "http.sent_bytes": "\(sentBytes)", "request.id": "\(id)",
        ]
        if let trace {
            metadata["trace.id"] = "\(trace.traceID)"
            metadata["traceparent"] = .string(trace.parent)
        }
        return metadata
    }
}
