import Logging
import PrometheusText
import ServiceInterface
import Testing

@testable import HTTPServer

@Suite struct RequestRecordTests {
    private let registry = MetricRegistry()

    private func has(_ line: String) -> Bool {
        String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").contains { $0 == line }
    }

    @Test func countsBytesThatComeAndGoBehindTheAnswer() {
        let metrics = RequestMetrics(registry)
        var record = RequestRecord(target: "/a")
        record.method = "POST"
        record.received(10)
        record.settle(.text(200, "hello"), in: metrics)
        #expect(has("segscore_http_request_bytes_total 10") && has("segscore_http_response_bytes_total 5"))
        record.received(3)
        record.complete(streamedBytes: 7, isExpired: false, in: metrics)
        #expect(has("segscore_http_request_bytes_total 13") && has("segscore_http_response_bytes_total 12"))
        #expect(has(#"segscore_http_requests_total{method="POST",route="other",status="200"} 1"#))
        let metadata = record.metadata(id: "one")
        #expect(metadata["http.received_bytes"] == "13" && metadata["http.sent_bytes"] == "12")
        #expect(metadata["http.path"] == "/a" && metadata["request.id"] == "one" && metadata["trace.id"] == nil)
    }

    @Test(arguments: [(true, "408"), (false, "none")])
    func countsWhatWasNeverAnswered(isExpired: Bool, status: String) {
        let metrics = RequestMetrics(registry)
        var record = RequestRecord(target: nil)
        record.method = "GET"
        record.received(4)
        record.complete(streamedBytes: 0, isExpired: isExpired, in: metrics)
        #expect(has(#"segscore_http_requests_total{method="GET",route="other",status="\#(status)"} 1"#))
        #expect(has("segscore_http_request_bytes_total 4"))
        #expect(record.metadata(id: "")["http.status"] == (isExpired ? "408" : "0"))
    }

    @Test func sendsNoBodyToHead() {
        let metrics = RequestMetrics(registry)
        var record = RequestRecord(target: "/")
        record.method = "HEAD"
        record.settle(.text(200, "hello"), in: metrics)
        #expect(has("segscore_http_response_bytes_total 0"))
    }
}
