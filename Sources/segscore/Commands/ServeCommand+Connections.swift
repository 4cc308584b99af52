import ArgumentParser
import HTTPServer
import Logging

/// How many connections there is room for.
extension ServeCommand {
    /// What is left to `--max-connections` of the descriptors, behind files, threads and places for probes.
    ///
    /// - Parameter descriptors: How many the process may have; nil for any number.
    func connectionLimit(_ descriptors: Int?, _ logger: Logger) throws -> Int {
        guard let descriptors else { return maxConnections }
        let threads = threads ?? ProcessorQuota().count
        // Each thread has two; each job a spool file, and the files that it reads and writes; the rest is the program's.
        let others = 2 * threads * (listen.count + adminListen.count) + 4 * backlog + 128
        let available = descriptors - others - ServerConfiguration.spareConnections
        guard available < maxConnections else { return maxConnections }
        guard available > 0 else {
            throw ValidationError(
                "The system allows \(descriptors) open files (ulimit -n); connections, --threads and --backlog need more."
            )
        }
        logger.warning(
            "fewer connections than --max-connections: the system allows too few open files",
            metadata: ["connections.limit": "\(available)", "files.limit": "\(descriptors)"])
        return available
    }
}
