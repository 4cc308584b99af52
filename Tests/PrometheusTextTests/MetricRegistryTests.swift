import CoreMetrics
import Dispatch
import Testing

@testable import PrometheusText

@Suite struct MetricRegistryTests {
    private func text(_ registry: MetricRegistry) -> String { String(decoding: registry.text(), as: UTF8.self) }

    @Test func writesNothingOfNothing() {
        #expect(MetricRegistry([MetricDescription("a", "Never counted")]).text().isEmpty)
    }

    @Test func writesCountersWithHelpAndTypeInOrder() {
        let registry = MetricRegistry([MetricDescription("b_total", "Counts b")])
        Counter(label: "b_total", dimensions: [("x", "2")], factory: registry).increment(by: 3)
        Counter(label: "b_total", dimensions: [("x", "1")], factory: registry).increment()
        Counter(label: "a_total", factory: registry).increment(by: 0)
        #expect(
            text(registry) == """
                # TYPE a_total counter
                a_total 0
                # HELP b_total Counts b
                # TYPE b_total counter
                b_total{x="1"} 1
                b_total{x="2"} 3

                """)
    }

    @Test func escapesHelpAndLabels() {
        let registry = MetricRegistry([MetricDescription("a", "One \"line\",\nand a \\")])
        Gauge(label: "a", dimensions: [("x", "\"\\\n{é},=")], factory: registry).record(1)
        #expect(
            text(registry) == #"""
                # HELP a One "line",\nand a \\
                # TYPE a gauge
                a{x="\"\\\n{é},="} 1

                """#)
    }

    @Test func makesNamesPlain() {
        let registry = MetricRegistry()
        Counter(label: "9 http.requests:of", dimensions: [("a:b-c", "d")], factory: registry).increment()
        Counter(label: "", factory: registry).increment()
        #expect(
            text(registry) == """
                # TYPE _ counter
                _ 1
                # TYPE __http_requests:of counter
                __http_requests:of{a_b_c="d"} 1

                """)
    }

    @Test func keepsOneMetricForANameAndItsLabelsInAnyOrder() {
        let registry = MetricRegistry()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a", dimensions: [("y", "2"), ("x", "1"), ("x", "3")], factory: registry).increment()
        #expect(text(registry) == "# TYPE a counter\na{x=\"1\",y=\"2\"} 2\n")
    }

    @Test func forgetsWhatIsDestroyed() {
        let registry = MetricRegistry()
        let gone = Counter(label: "a", dimensions: [("x", "1")], factory: registry)
        Counter(label: "a", dimensions: [("x", "2")], factory: registry).increment()
        let timer = Timer(label: "b", factory: registry)
        gone.destroy()
        timer.destroy()
        #expect(text(registry) == "# TYPE a counter\na{x=\"2\"} 1\n")
    }

    @Test func countersNeverGoDown() {
        let registry = MetricRegistry()
        let (integer, real) = (IntegerCounter(), RealCounter())
        integer.increment(by: 5)
        integer.increment(by: -3)
        real.increment(by: 0.5)
        real.increment(by: -3)
        real.increment(by: .nan)
        FloatingPointCounter(label: "real", dimensions: [], handler: real, factory: registry).increment(by: 0.25)
        var writer = TextWriter()
        integer.write("a", LabelSet([]), to: &writer)
        real.write("b", LabelSet([]), to: &writer)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "a 5\nb 0.75\n")
    }

    @Test func metersGoUpAndDown() {
        let registry = MetricRegistry()
        let meter = Meter(label: "a", factory: registry)
        meter.increment(by: 2.5)
        meter.decrement()
        #expect(text(registry).hasSuffix("\na 1.5\n"))
        meter.set(-7)
        #expect(text(registry).hasSuffix("\na -7\n"))
    }

    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1, "1"), (0.1, "0.1"), (1e-7, "1e-07"), (1e15, "1000000000000000"), (1e300, "1e+300"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func writesNumbersThatReadBack(number: Double, expected: String) {
        #expect(TextWriter.number(number) == expected)
    }

    @Test func losesNothingWhereThreadsCountAtOnce() {
        let registry = MetricRegistry([MetricDescription("c", "C", bounds: [0.5, 1.5])])
        DispatchQueue.concurrentPerform(iterations: 8) { lane in
            let counter = Counter(label: "a", factory: registry)
            let meter = Meter(label: "b", factory: registry)
            let recorder = Recorder(label: "c", factory: registry)
            let real = FloatingPointCounter(label: "d", factory: registry)
            for step in 0..<1000 {
                counter.increment()
                meter.increment()
                recorder.record(step % 3)
                real.increment(by: 0.5)
                if step % 100 == 0 {
                    Counter(label: "e", dimensions: [("x", "\(lane) \(step)")], factory: registry).increment()
                    _ = registry.text()
                }
            }
        }
        let lines = text(registry).split(separator: "\n")
        for line in ["a 8000", "b 8000", "c_bucket{le=\"+Inf\"} 8000", "c_count 8000", "d 4000"] {
            #expect(lines.contains(Substring(line)), "\(line)")
        }
        #expect(lines.filter { $0.hasPrefix("e{") }.count == 80)
    }
}
