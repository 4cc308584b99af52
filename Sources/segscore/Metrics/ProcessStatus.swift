import Foundation

/// The fields of `/proc/self/stat` (proc(5)) that are made into metrics.
struct ProcessStatus: Equatable {
    /// User and system time, in ticks.
    let cpuTicks: UInt64
    /// When the process was started, in ticks since the start of the machine.
    let startTicks: UInt64
    let residentBytes: Int

    var ticksPerSecond: Double { Double(max(sysconf(Int32(_SC_CLK_TCK)), 1)) }

    /// The status of this process; nil if there is no such file.
    static var current: ProcessStatus? {
        FileManager.default.contents(atPath: "/proc/self/stat").flatMap {
            ProcessStatus(String(decoding: $0, as: UTF8.self))
        }
    }

    /// When the machine was started, in seconds since 1970.
    static let bootTime: Double? = {
        guard let data = FileManager.default.contents(atPath: "/proc/stat") else { return nil }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }()

    /// - Parameter text: The file's line. Its second field is the program's name in parentheses, which may hold any
    ///   character.
    init?(_ text: String) {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[end...].split(separator: " ").dropFirst().map { UInt64($0) }
        // The fields begin with the third: utime is the 14th, stime the 15th, starttime the 22nd, rss the 24th.
        guard fields.count > 21, let user = fields[11], let system = fields[12], let start = fields[19],
            let pages = fields[21]
        else { return nil }
        cpuTicks = user &+ system
        startTicks = start
        residentBytes = Int(clamping: pages.multipliedReportingOverflow(by: UInt64(getpagesize())).partialValue)
    }
}
