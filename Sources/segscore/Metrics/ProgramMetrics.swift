import CoreMetrics
import PrometheusText

/// What the program counts: all that goes through swift-metrics, and what the kernel says of the process.
///
/// To be made once, before anything that counts.
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

    /// Everything as it is now, as Prometheus reads it.
    func text() -> [UInt8] {
        process.update()
        log.update()
        return registry.text()
    }
}
