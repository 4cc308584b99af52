import CoreMetrics
import PrometheusText

/// All metrics of the program: those that its parts count through swift-metrics, and what the kernel counts of the
/// process.
///
/// It is made once, before any part that counts.
final class ProgramMetrics: Sendable {
    private let registry: MetricRegistry
    private let process: ProcessMetrics
    private let log: LogMetrics

    init(_ log: LogWriter) {
        registry = MetricRegistry(MetricDescription.all)
        MetricsSystem.bootstrap(registry)
        process = ProcessMetrics(registry)
        self.log = LogMetrics(log, registry)
    }

    /// All metrics with their values as they are now, in Prometheus' text format.
    func text() -> [UInt8] {
        process.update()
        log.update()
        return registry.text()
    }
}
