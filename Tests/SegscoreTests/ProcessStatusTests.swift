import Foundation
import PrometheusText
import Testing

@testable import segscore

@Suite struct ProcessStatusTests {
    @Test func readsTheKernelsLine() throws {
        let line = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 1200 34 13 14 20 0 7 0 5678 999999 321 18446744073709551615 1"
        let status = try #require(ProcessStatus(line))
        #expect(status.cpuTicks == 1234)
        #expect(status.startTicks == 5678)
        #expect(status.residentBytes == 321 * Int(getpagesize()))
    }

    @Test(arguments: ["", ")", "1 (a) S 1", "1 (a) S" + String(repeating: " x", count: 30)])
    func passesOverWhatIsNoSuchLine(line: String) {
        #expect(ProcessStatus(line) == nil)
    }

    @Test func asksForThisProcess() throws {
        let status = try #require(ProcessStatus.current)
        #expect(status.residentBytes > 1 << 20)
        let started = try #require(ProcessStatus.bootTime) + Double(status.startTicks) / status.ticksPerSecond
        let age = Date().timeIntervalSince1970 - started
        // The kernel gives the boot's time in whole seconds.
        #expect(age > -2 && age < 86_400)
    }

    @Test func writesItUnderTheUsualNames() {
        let registry = MetricRegistry(MetricDescription.all)
        let process = ProcessMetrics(registry)
        process.update()
        let text = String(decoding: registry.text(), as: UTF8.self)
        for line in [
            "# TYPE process_cpu_seconds_total counter", "# TYPE process_resident_memory_bytes gauge",
            "# TYPE process_open_fds gauge", "# TYPE process_start_time_seconds gauge",
            "# TYPE segscore_process_resident_memory_bytes gauge",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains("_bytes 0\n") && !text.contains("_fds 0\n"))
    }
}
