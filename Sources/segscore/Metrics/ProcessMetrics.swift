import CoreMetrics
import Foundation
import Synchronization

/// CPU time, memory, files and start of the process by the kernel's count, under the names that Prometheus' own clients
/// give them.
final class ProcessMetrics: Sendable {
    private let cpuSeconds: FloatingPointCounter
    private let residentBytes: [Gauge]
    private let openFiles: Gauge
    private let startTime: Gauge
    private let countedTicks = Mutex<UInt64>(0)

    init(_ factory: any MetricsFactory) {
        cpuSeconds = FloatingPointCounter(label: "process_cpu_seconds_total", factory: factory)
        residentBytes = ["process_resident_memory_bytes", "segscore_process_resident_memory_bytes"].map {
            Gauge(label: $0, factory: factory)
        }
        openFiles = Gauge(label: "process_open_fds", factory: factory)
        startTime = Gauge(label: "process_start_time_seconds", factory: factory)
        update()
    }

    /// Asks the kernel. A number that it does not tell stays as it was.
    func update() {
        if let status = ProcessStatus.current {
            count(status.cpuTicks, perSecond: status.ticksPerSecond)
            for gauge in residentBytes { gauge.record(status.residentBytes) }
            if let bootTime = ProcessStatus.bootTime {
                startTime.record(bootTime + Double(status.startTicks) / status.ticksPerSecond)
            }
        }
        if let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // One of the descriptors is that of the directory, which is open while it is read.
            openFiles.record(max(names.count - 1, 0))
        }
    }

    private func count(_ ticks: UInt64, perSecond: Double) {
        let new = countedTicks.withLock { counted in
            defer { counted = max(counted, ticks) }
            return ticks > counted ? ticks - counted : 0
        }
        cpuSeconds.increment(by: Double(new) / perSecond)
    }
}
