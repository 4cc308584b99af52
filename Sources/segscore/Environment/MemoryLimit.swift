import Foundation

/// How much memory the process may use: as much as the container's limit allows, or as the host has.
struct MemoryLimit {
    /// In bytes, at least 1.
    let bytes: Int

    /// - Parameters:
    ///   - root: The folder that the cgroup file system is mounted on; version 2, or version 1 beneath `memory`.
    ///   - available: The memory that the host has, in bytes.
    init(root: String = "/sys/fs/cgroup", available: UInt64 = ProcessInfo.processInfo.physicalMemory) {
        let available = Int(min(available, UInt64(Int.max)))
        // What stands for no limit is a word in version 2, and in version 1 a number greater than what any host has.
        let limit = ["/memory.max", "/memory/memory.limit_in_bytes"].lazy
            .compactMap { Self.read(root + $0) }.first
        bytes = max(1, min(available, limit ?? available))
    }

    private static func read(_ path: String) -> Int? {
        ControlGroupFile.text(path).flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
