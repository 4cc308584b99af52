import ArgumentParser
import Foundation
import HTTPServer
import Jobs
import JobStorage
import Logging
import Memory
import OpenInference
import ReviewPage
import Scoring
import ScoringService
import ServiceInterface
import WebService

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answers scoring requests over HTTP.",
        discussion: """
            Every flag has a variable: SEGSCORE_MAX_BODY_BYTES stands for --max-body-bytes, and SEGSCORE_LISTEN takes \
            several addresses with commas between them. A flag that is given wins. SIGHUP has the keys read anew.
            """)

    @Option(
        help: """
            Where to listen: 127.0.0.1:8080, [::1]:8080, unix:/run/segscore.sock, fd:3 for an inherited socket, or \
            private for one in a new folder of mode 0700; repeatable.
            """)
    var listen: [String] = ["127.0.0.1:8080"]

    @Option(help: "A file of the keys that callers may show, one a line; without it anyone may call.")
    var apiKeyFile: String?

    @Option(help: "A descriptor of a pipe: at its end, jobs are canceled and the server exits.")
    var lifeFd: Int32?

    @Option(help: "A descriptor that the addresses are written to, one a line, once the server listens on them.")
    var readyFd: Int32?

    @Flag(help: "Has /livez, /readyz, /metrics and /v2/health need a key too.")
    var protectHealth = false

    @Flag(help: "Lets anyone call who can reach an address, even from other machines.")
    var allowAnonymous = false

    @Flag(help: "Lets inferences of the Open Inference Protocol read and write shared memory: files in /dev/shm.")
    var allowSharedMemory = false

    @Flag(
        help: """
            Lets clients of the server's user that connect by a Unix socket say where arrays lie in their memory, instead \
            of sending them.
            """)
    var allowClientMemory = false

    @Option(help: "An origin whose pages may call from a browser, as https://review.example; repeatable.")
    var allowOrigin: [String] = []

    @Option(
        help: """
            A name that callers without a key may call the server by, besides localhost and the addresses that it \
            listens on; *.example.org for all beneath one, * for any; repeatable.
            """)
    var allowHost: [String] = []

    @Option(
        help:
            "Where only /livez, /readyz, /metrics and /version are answered, without a key and without TLS; repeatable."
    )
    var adminListen: [String] = []

    @Option(help: "The certificate to speak TLS with on all TCP addresses, and those it hangs on, in PEM.")
    var tlsCert: String?

    @Option(help: "The certificate's key, in PEM and without a passphrase.")
    var tlsKey: String?

    @Option(help: "Threads that read and write, for each address; by default the processors that may be used.")
    var threads: Int?

    @Option(help: "Jobs that run at once; by default the processors that may be used.")
    var workers: Int?

    @Option(help: "Jobs that may be arriving or waiting; beyond that requests are answered 503.")
    var backlog = 64

    @Option(
        help: """
            The bodies of jobs that one key, or one address if none is needed, may have arriving at once; beyond \
            that 503. 0 for any number; by default three quarters of --backlog.
            """)
    var uploadsPerCaller: Int?

    @Option(help: "The largest body, on the wire and decompressed.")
    var maxBodyBytes = ByteCount(16 << 30)

    @Option(help: "The largest JSON body; unlike the other forms it is held in memory.")
    var maxJsonBytes = ByteCount(64 << 20)

    @Option(help: "The most pixels (N·H·W) that one request may score; each takes 10 to 20 bytes.")
    var maxPixels = 1 << 27

    @Option(help: "The largest head of a request.")
    var maxHeaderBytes = ByteCount(64 << 10)

    @Option(help: "Connections that may be open at once.")
    var maxConnections = 1024

    @Option(help: "Connections that may be open at once from one address; 0 for any number.")
    var maxConnectionsPerAddress = 0

    @Option(help: "Seconds after which a silent connection is closed; 0 for never.")
    var idleTimeout = 60

    @Option(help: "Seconds that requests under way are given to end when the server is stopped.")
    var drainTimeout = 25.0

    @Option(help: "Seconds that results are kept.")
    var resultTtl = 3600.0

    @Option(help: "Seconds after which an open job that nobody brings batches to is canceled.")
    var openTtl = 3600.0

    @Option(
        help: """
            The memory that whatever requests cause may take; beyond it requests are answered 503. By default three \
            quarters of the container's limit, or of the host's memory.
            """)
    var memoryBudget: ByteCount?

    @Option(
        help: """
            The memory that kept results may take; the oldest go first. No job in batches may take more. By default \
            1GiB, or half of the budget if that is less.
            """)
    var resultMemory: ByteCount?

    @Option(help: "A directory whose files may stand for arrays, and take results, as DIR or NAME=DIR; repeatable.")
    var dataDir: [String] = []

    @Option(help: "A directory where jobs and their results outlive the process; without it they are gone with it.")
    var stateDir: String?

    @Option(
        help: """
            How often a job of --state-dir may be running when the server is killed before it is set aside; 0 for any \
            number.
            """)
    var jobAttempts = 3

    @Option(
        help: """
            The room that kept results may take in --state-dir, instead of memory; the oldest go first. No job in \
            batches may take more. By default half of what is free there or theirs already.
            """)
    var resultDisk: ByteCount?

    @Option(help: "A directory for pred_probs that arrive before labels; by default the system's for temporary files.")
    var spoolDir: String?

    @Option(help: "The most that these may take on disk together; by default what there is.")
    var spoolBudget: ByteCount?

    @Option(help: "The processors that the loops over pixels are compiled for; by default the best that run here.")
    var cpu: KernelLevel?

    @Option(help: "How lines of the log are written.")
    var logFormat = LogFormat.text

    @Option(help: "What is less grave is not logged.")
    var logLevel = Logger.Level.info

    func validate() throws {
        try Self.check("threads", threads ?? 1, in: 1...1024)
        try Self.check("workers", workers ?? 1, in: 1...1024)
        try Self.check("backlog", backlog, in: 1...1_000_000)
        try Self.check("uploads-per-caller", uploadsPerCaller ?? 0, in: 0...1_000_000)
        try Self.check("max-pixels", maxPixels, in: 1...1 << 40)
        try Self.check("max-header-bytes", maxHeaderBytes.bytes, in: 256...256 << 10)
        try Self.check("max-connections", maxConnections, in: 1...1_000_000)
        try Self.check("max-connections-per-address", maxConnectionsPerAddress, in: 0...1_000_000)
        try Self.check("idle-timeout", idleTimeout, in: 0...86_400)
        try Self.check("drain-timeout", drainTimeout, in: 0...86_400)
        if let results = resultMemory, let budget = memoryBudget, results.bytes > budget.bytes {
            throw ValidationError("--result-memory must be at most --memory-budget, \(budget), not \(results).")
        }
        guard resultDisk == nil || stateDir != nil else { throw ValidationError("--result-disk needs a --state-dir.") }
        guard resultMemory == nil || stateDir == nil else {
            throw ValidationError("--result-memory is for results in memory; with --state-dir there is --result-disk.")
        }
        try Self.check("job-attempts", jobAttempts, in: 0...1_000_000)
        try Self.check("open-ttl", openTtl, in: 0.1...315_360_000)
        try Self.check("result-ttl", resultTtl, in: 0...315_360_000)
        try checkDescriptors()
        guard !listen.isEmpty else { throw ValidationError("--listen needs an address.") }
        for (flag, file) in [("api-key-file", apiKeyFile), ("tls-cert", tlsCert), ("tls-key", tlsKey)] where file == ""
        {
            throw ValidationError(
                """
                --\(flag) names no file: its value, or that of \(EnvironmentArguments.variable("--\(flag)")), is empty.
                """)
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key need each other.")
        }
        guard apiKeyFile != nil || !protectHealth else {
            throw ValidationError("--protect-health needs an --api-key-file.")
        }
        if let text = allowOrigin.first(where: { !Self.isOrigin($0) }) {
            throw ValidationError("\"\(text)\" is no origin: write https://review.example or http://localhost:3000.")
        }
        if let text = allowHost.first(where: { !Self.isHost($0) }) {
            throw ValidationError(
                "\"\(text)\" is no name of a host: write segscore.example or *.example, without a port.")
        }
    }

    func run() throws {
        try run(whenListening: { _, _ in }, beforeStop: {})
    }

    /// Serves until a signal asks for the end.
    ///
    /// - Parameters:
    ///   - whenListening: Called once the server listens, with what answers requests and the addresses.
    ///   - beforeStop: Called when the end is asked for, while everything is still answered.
    func run(
        whenListening: (any Responder, [String]) -> Void, beforeStop: () -> Void
    ) throws {
        cpu.map(KernelLevel.use)
        // A write to a file that may not grow is then an error, and not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        // So is a write to a pipe whose reader has left.
        signal(SIGPIPE, SIG_IGN)
        // They are blocked before the first thread starts, which is the log's.
        let signals = StopSignals()
        let lifeline = lifeFd.map(Lifeline.init)
        let log = Log(logFormat, logLevel)
        let logger = log.logger
        defer { log.writer.flush() }
        let access = AccessControl(
            keys: try keyRing(), protectsHealth: protectHealth, origins: allowOrigin,
            hosts: HostNames(allowHost))
        let processors = ProcessorQuota().count
        let budget = memoryBudget?.bytes ?? MemoryLimit().bytes / 4 * 3
        ByteBudget.memory.limit = budget
        AllocatorSettings.apply()
        ByteBudget.spool.limit = spoolBudget?.bytes ?? .max
        let state = try stateDir.map(Self.stateDirectory)
        let limits = JobLimits(
            workers: workers ?? processors, backlog: backlog, timeToLive: resultTtl,
            resultBytes: state.map { resultDisk?.bytes ?? $0.capacity / 2 }
                ?? min(resultMemory?.bytes ?? min(1 << 30, budget / 2), budget),
            history: Service.history(within: budget))
        let (store, restored) = try Self.jobStore(in: state, attemptLimit: jobAttempts, logger)
        let metrics = ProgramMetrics(log.writer)
        var configuration = Service.Configuration(
            maxBodyBytes: maxBodyBytes.bytes, maxJSONBytes: maxJsonBytes.bytes, maxPixels: maxPixels,
            spoolDirectory: try usableSpoolDirectory(), openJobTimeToLive: openTtl, processors: processors)
        let share = uploadsPerCaller ?? (backlog * 3 + 3) / 4
        configuration.uploadsPerCaller = share > 0 ? share : nil
        configuration.dataDirectories = try Self.dataDirectories(dataDir)
        configuration.readsClients = allowClientMemory
        let statistics = InferenceStatistics()
        let service = Service(
            configuration: configuration, limits: limits, logger: logger, store: store,
            exposition: { metrics.text() }, whenEnded: statistics.count)
        let inference = InferenceService(
            service, statistics, sharedMemoryDirectory: allowSharedMemory ? "/dev/shm" : nil)
        service.takeUp(restored)
        let router = Router(
            [inference.endpoints, service.endpoints, ReviewPage.endpoints], access: access, render: service.response)
        let server = Server(configuration: try serverConfiguration(logger), responder: router)
        do throws(ServerError) {
            try server.start()
        } catch {
            throw ValidationError(error.sentence)
        }
        announce(server.addresses)
        whenListening(router, server.addresses.map { "\($0)" })
        lifeline?.whenOver { kill(getpid(), SIGTERM) }
        // The wait is a statement of its own, since what stands in a log line is evaluated only if its level is logged.
        let signal = signals.wait { reloadKeys(access, logger) }
        let isOrphaned = lifeline?.isOver == true
        logger.info("stopping", metadata: isOrphaned ? ["reason": "--life-fd has ended"] : ["signal": "\(signal)"])
        beforeStop()
        stop(server, service.queue, lifeline, logger)
    }

    /// Refuses new jobs, lets those under way end, and cancels those that have not ended in time, or before the process
    /// ended that the server lives for. Jobs of a state directory outlive the process and go on in the next.
    private func stop(_ server: Server, _ queue: JobQueue<ScoreJob>, _ lifeline: Lifeline?, _ logger: Logger) {
        queue.drain()
        server.stopAccepting()
        let idle = DispatchGroup()
        idle.enter()
        idle.enter()
        queue.whenIdle { idle.leave() }
        server.whenQuiet { idle.leave() }
        let deadline = DispatchTime.now() + drainTimeout
        let enough = DispatchSemaphore(value: 0)
        idle.notify(queue: .global()) { enough.signal() }
        lifeline?.whenOver { enough.signal() }
        _ = enough.wait(timeout: deadline)
        if idle.wait(timeout: .now()) == .timedOut {
            logger.warning("canceling what has not ended in time")
            queue.store.close()
            queue.cancelAll()
            _ = idle.wait(timeout: .now() + 1)
        } else {
            server.awaitLastRequests(until: deadline)
        }
        server.stop()
        queue.store.close()
        logger.info("stopped")
    }

    private func serverConfiguration(_ logger: Logger) throws -> ServerConfiguration {
        var configuration = ServerConfiguration(
            listeners: try serviceAddresses(), logger: logger, problem: { Problem($0).withError.response })
        configuration.adminListeners = try adminListen.map(Self.address)
        configuration.tls = try tlsIdentity()
        configuration.threads = threads ?? ProcessorQuota().count
        let descriptors = DescriptorLimit.raised()
        configuration.descriptorLimit = descriptors
        configuration.maxConnections = try connectionLimit(descriptors, logger)
        configuration.maxConnectionsPerAddress = maxConnectionsPerAddress
        configuration.maxHeaderBytes = maxHeaderBytes.bytes
        configuration.maxBodyBytes = UInt64(maxBodyBytes.bytes)
        configuration.idleTimeout = idleTimeout
        return configuration
    }

    private func usableSpoolDirectory() throws -> String {
        let directory = spoolDir ?? FileManager.default.temporaryDirectory.path
        guard FileManager.default.isWritableFile(atPath: directory) else {
            throw ValidationError("The spool directory \(directory) is not there or cannot be written to.")
        }
        return directory
    }

    private static func check<Value: Comparable>(_ flag: String, _ value: Value, in range: ClosedRange<Value>) throws {
        guard range.contains(value) else {
            throw ValidationError("--\(flag) must be from \(range.lowerBound) to \(range.upperBound), not \(value).")
        }
    }
}
