import Foundation

/// How much memory the process may use: what the container's limit allows, or what the host has.
struct MemoryLimit {
    /// In bytes, at least 1.
    let bytes: Int

    /// - Parameters:
    ///   - root: Where the cgroup file system is mounted; version 2, or version 1 beneath `memory`.
    ///   - available: What the host has.
    init(root: String = "/sys/fs/cgroup", available: UInt64 = ProcessInfo.processInfo.physicalMemory) {
        let available = Int(min(available, UInt64(Int.max)))
        // Neither version's word for no limit is a number that is less than what the host has.
        let limit = ["/memory.max", "/memory/memory.limit_in_bytes"].lazy
            .compactMap { Self.read(root + $0) }.first
        bytes = max(1, min(available, limit ?? available))
    }

    private static func read(_ path: String) -> Int? {
        ControlGroupFile.text(path).flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
