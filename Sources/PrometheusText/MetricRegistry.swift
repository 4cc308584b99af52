package import CoreMetrics
import Synchronization

/// Keeps the metrics that the program counts through swift-metrics, and writes them as text for Prometheus.
///
/// Counters become counters, gauges and meters become gauges, and recorders and timers become histograms, those of
/// timers in seconds. A metric that is asked for again, by the same name and labels, is the same one. A name keeps its
/// kind: to ask for a metric of another kind by it is a mistake of the program, and traps.
package final class MetricRegistry: Sendable {
    /// The `Content-Type` of ``text()``.
    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    private let descriptions: [String: MetricDescription]
    private let families = Mutex<[String: MetricFamily]>([:])

    /// - Parameter descriptions: The help and the buckets of metrics; at most one description for each name.
    package init(_ descriptions: [MetricDescription] = []) {
        self.descriptions = Dictionary(uniqueKeysWithValues: descriptions.map { ($0.name, $0) })
    }

    /// All metrics with their values, in order of their names and then of their labels: text format 0.0.4.
    package func text() -> [UInt8] {
        let families = families.withLock { $0 }
        var writer = TextWriter()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            writer.begin(name, family.kind, help: descriptions[name]?.help)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name, labels, to: &writer)
            }
        }
        return writer.bytes
    }

    /// The metric of a name and its labels, which is made if there is none.
    private func series<Series: MetricSeries>(
        _ label: String, _ dimensions: [(String, String)], _ make: (MetricDescription?) -> Series
    ) -> Series {
        let name = LabelSet.plainName(label, colons: true)
        let labels = LabelSet(dimensions)
        return families.withLock { families in
            let family = families[name] ?? MetricFamily(kind: Series.kind)
            precondition(family.kind == Series.kind, "\(name) is a \(family.kind.rawValue)")
            if let known = family.series[labels] {
                guard let same = known as? Series else { preconditionFailure("\(name) is counted in two ways") }
                return same
            }
            let made = make(descriptions[name])
            families[name, default: family].series[labels] = made
            return made
        }
    }

    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                families[name]?.series = family.series.filter { $0.value !== handler }
            }
        }
    }
}

extension MetricRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) { _ in IntegerCounter() }
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions) { _ in RealCounter() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { _ in Level() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            series(label, dimensions) { Histogram(bounds: $0?.bounds ?? MetricDescription.defaultBounds) }
        } else {
            series(label, dimensions) { _ in Level() }
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { Histogram(bounds: $0?.bounds ?? MetricDescription.defaultBounds) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
