import ArgumentParser
import HTTPServer
import Logging

/// How many connections there is room for.
extension ServeCommand {
    /// `--max-connections`, or less if the descriptors that files, threads and probes leave over are fewer.
    ///
    /// - Parameter descriptors: How many descriptors the process may have; nil for any number.
    func connectionLimit(_ descriptors: Int?, _ logger: Logger) throws -> Int {
        guard let descriptors else { return maxConnections }
        let threads = threads ?? ProcessorQuota().count
        // Each thread has two descriptors, and each job a spool file and the files that it reads and writes. The rest
        // is for the program's own files.
        let others = 2 * threads * (listen.count + adminListen.count) + 4 * backlog + 128
        let available = descriptors - others - ServerConfiguration.spareConnections
        guard available < maxConnections else { return maxConnections }
        guard available > 0 else {
            throw ValidationError(
                """
                The system allows \(descriptors) open files (ulimit -n); connections, --threads and --backlog need more.
                """)
        }
        logger.warning(
            "fewer connections than --max-connections: the system allows too few open files",
            metadata: ["connections.limit": "\(available)", "files.limit": "\(descriptors)"])
        return available
    }
}
