import Foundation

/// How many processors the process may use. The container's quota counts, not how many the host has.
struct ProcessorQuota {
    /// At least 1.
    let count: Int

    /// - Parameters:
    ///   - root: The folder that the cgroup file system is mounted on; version 2, or version 1 beneath `cpu`.
    ///   - available: How many processors the scheduler's mask allows.
    init(root: String = "/sys/fs/cgroup", available: Int = ProcessInfo.processInfo.activeProcessorCount) {
        let share = Self.version2(root) ?? Self.version1(root)
        count = max(1, share.map { Int(min($0.rounded(.up), Double(available))) } ?? available)
    }

    /// The share of version 2: `cpu.max` holds quota and period in microseconds, or `max` for no quota.
    private static func version2(_ root: String) -> Double? {
        guard let text = ControlGroupFile.text(root + "/cpu.max") else { return nil }
        let parts = text.split(whereSeparator: \.isWhitespace)
        guard parts.count == 2 else { return nil }
        return share(Double(parts[0]), Double(parts[1]))
    }

    private static func version1(_ root: String) -> Double? {
        share(
            ControlGroupFile.text(root + "/cpu/cpu.cfs_quota_us").flatMap(Double.init),
            ControlGroupFile.text(root + "/cpu/cpu.cfs_period_us").flatMap(Double.init))
    }

    /// How many processors a quota is; nil if it is below zero, which means that there is none.
    private static func share(_ quota: Double?, _ period: Double?) -> Double? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return quota / period
    }
}
