import Dispatch
import HTTPTypes
import Logging
import ServiceInterface

/// What one request is counted and logged by.
struct RequestRecord {
    /// As it came; nil where it holds a byte that no target may.
    let target: String?
    /// When the first line was in, in nanoseconds of uptime.
    let startedAt = DispatchTime.now().uptimeNanoseconds
    var method = ""
    var trace: TraceContext?
    /// What the request is counted by.
    var path: PathTemplate?
    private(set) var receivedBytes: UInt64 = 0
    private var status = 0
    private var sentBytes = 0
    /// How much of the body was in when the request was counted; nil until then.
    private var countedBytes: UInt64?

    init(target: String?) {
        self.target = target
    }

    var isHead: Bool { method == "HEAD" }

    /// A piece of the body is in.
    mutating func received(_ byteCount: Int) {
        receivedBytes += UInt64(byteCount)
    }

    /// Counts the request. That is before its answer goes out, so that who has the answer finds it counted.
    mutating func settle(_ response: Response, in metrics: RequestMetrics) {
        status = response.head.status.code
        sentBytes = isHead ? 0 : response.body.byteCount
        count(in: metrics)
    }

    /// The library is done with the request: counts what is not counted yet.
    ///
    /// - Parameter isExpired: Whether the request was refused for not arriving.
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

    /// What is logged of the request when it is completed.
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
