import Dispatch
import HTTPServer
import HTTPTypes
import PrometheusText
import ServiceInterface
import Testing

@Suite struct RequestMetricsTests {
    /// The lines of the metrics, without those of buckets and of the sums of times.
    private func lines(_ registry: MetricRegistry) -> Set<String> {
        let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").map(String.init)
        return Set(lines.filter { !$0.hasPrefix("#") && !$0.contains("_bucket{") && !$0.contains("_sum") })
    }

    @Test func countsRequestsBeforeTheyAreAnswered() throws {
        let registry = MetricRegistry()
        let path = PathTemplate(number: 7, text: "/things/{id}")
        let responder = TestResponder { request in
            guard request.head.path?.hasPrefix("/things/") ?? false else { return .refuse(.text(404, "none")) }
            return .receive(Recorder { body, reply in reply(.bytes(body)) }, at: path)
        }
        try withServer(responder, { $0.metrics = registry }) { _, address in
            let client = try TestClient(address)
            for id in 0..<3 {
                try client.send("POST /things/\(id) HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
                #expect(try client.answer().status == 200)
            }
            try client.send("HEAD /things/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer(isHead: true).status == 200)
            try client.send("INVENTED /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().status == 404)
            let lines = lines(registry)
            for line in [
                #"segscore_http_requests_total{method="POST",route="/things/{id}",status="200"} 3"#,
                #"segscore_http_requests_total{method="HEAD",route="/things/{id}",status="200"} 1"#,
                #"segscore_http_requests_total{method="other",route="other",status="404"} 1"#,
                #"segscore_http_request_duration_seconds_count{route="/things/{id}"} 4"#,
                #"segscore_http_request_duration_seconds_count{route="other"} 1"#,
                "segscore_http_request_bytes_total 15", "segscore_http_response_bytes_total 19",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
        }
        // Those that were answered are no longer under way once the server has stopped.
        #expect(lines(registry).contains("segscore_http_requests_in_flight 0"))
    }

    @Test func countsWhatTheServerRefusesByItself() throws {
        let registry = MetricRegistry()
        let responder = TestResponder { _ in .refuse(.text(200, "fine")) }
        try withServer(
            responder,
            { configuration in
                configuration.metrics = registry
                configuration.maxBodyBytes = 10
                configuration.maxHeaderBytes = 256
            }
        ) { _, address in
            for (head, status) in [
                ("GET / HTTP/1.1\r\n\r\n", 400), ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 300))\r\n\r\n", 431),
                ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            ] {
                let client = try TestClient(address)
                try client.send(head)
                if status == 413 { try client.send("12345678901") }
                #expect(try client.answer().status == status)
                let method = head.prefix { $0 != " " }
                let line = "segscore_http_requests_total{method=\"\(method)\",route=\"other\",status=\"\(status)\"} 1"
                #expect(lines(registry).contains(line), "\(line)")
            }
        }
    }

    @Test func countsWhoWentAwayAndWhatCameOfTheBody() throws {
        let registry = MetricRegistry()
        let recorder = Recorder { _, reply in reply(.text(200, "")) }
        let path = PathTemplate(number: 1, text: "/upload")
        try withServer(TestResponder { _ in .receive(recorder, at: path) }, { $0.metrics = registry }) { _, address in
            let client = try TestClient(address)
            try client.send("PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
            recorder.began.wait()
            client.reset()
            recorder.ended.wait()
        }
        let lines = lines(registry)
        #expect(lines.contains(#"segscore_http_requests_total{method="PUT",route="/upload",status="none"} 1"#))
        #expect(lines.contains("segscore_http_request_bytes_total 3"))
        #expect(lines.contains("segscore_http_requests_in_flight 0"))
    }

    @Test func countsStreamsByWhatWasSentOfThem() throws {
        let registry = MetricRegistry()
        let stream = ByteStream()
        let response = Response(HTTPResponse(status: .ok), body: ResponseBody(stream: stream))
        try withServer(TestResponder { _ in .refuse(response) }, { $0.metrics = registry }) { _, address in
            let client = try TestClient(address)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            stream.write("thirteen bytes".utf8.dropLast())
            stream.finish()
            #expect(try client.answer().body.count == 13)
        }
        #expect(lines(registry).contains("segscore_http_response_bytes_total 13"))
    }
}
