import CoreMetrics
import Testing

@testable import PrometheusText

@Suite struct HistogramTests {
    @Test func bucketsHoldWhatTheOnesBeforeThemHold() {
        let registry = MetricRegistry([MetricDescription("a", "A", bounds: [-1, 0.5, 2])])
        let recorder = Recorder(label: "a", dimensions: [("x", "y")], factory: registry)
        // A bound belongs to its own bucket.
        for value in [0.5, 0.25, 2, 2.5, 100] { recorder.record(value) }
        recorder.record(-3)
        #expect(
            String(decoding: registry.text(), as: UTF8.self) == """
                # HELP a A
                # TYPE a histogram
                a_bucket{x="y",le="-1"} 1
                a_bucket{x="y",le="0.5"} 3
                a_bucket{x="y",le="2"} 4
                a_bucket{x="y",le="+Inf"} 6
                a_sum{x="y"} 102.25
                a_count{x="y"} 6

                """)
    }

    @Test func timersCountSeconds() {
        let registry = MetricRegistry([MetricDescription("a", "A", bounds: [0.25])])
        let timer = Timer(label: "a", factory: registry)
        timer.recordNanoseconds(250_000_000)
        timer.recordSeconds(1)
        #expect(
            String(decoding: registry.text(), as: UTF8.self).hasSuffix(
                """

                a_bucket{le="0.25"} 1
                a_bucket{le="+Inf"} 2
                a_sum 1.25
                a_count 2

                """))
    }

    @Test func whatIsNoNumberFallsIntoTheLastBucket() {
        let registry = MetricRegistry()
        let recorder = Recorder(label: "a", factory: registry)
        recorder.record(Double.nan)
        recorder.record(Double.infinity)
        let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("a_bucket{le=\"10\"} 0"))
        #expect(lines.contains("a_bucket{le=\"+Inf\"} 2"))
        #expect(lines.contains("a_sum NaN"))
    }
}
