package import CoreMetrics
package import DatasetScoring
import Dispatch
import Files
package import Foundation
import HTTPTypes
package import Jobs
package import JobStorage
package import Logging
import Memory
import Scoring
package import ServiceInterface
import Synchronization
import Threads
package import WebService

/// The state that all handlers share: the jobs, the limits, the log, the metrics, and the workers that encode answers.
package final class Service: Sendable {
    /// The limits and directories that the command line sets.
    package struct Configuration: Sendable {
        /// The greatest size of a body in bytes, on the wire and after decompression.
        package var maxBodyBytes: Int
        /// The greatest size of a JSON body in bytes. Such a body is held in memory.
        package var maxJSONBytes: Int
        /// The greatest number of pixels, N·H·W.
        package var maxPixels: Int
        /// The path of an existing directory, for `pred_probs` that come before `labels`.
        package var spoolDirectory: String
        /// How long an open job may be idle before it is canceled, in seconds.
        package var openJobTimeToLive: TimeInterval
        /// How many bodies of one caller may arrive at once; nil for any number.
        package var uploadsPerCaller: Int?
        /// The directories whose files may stand for arrays.
        package var dataDirectories = DataDirectories()
        /// Whether arrays may stay in the memory of clients on this machine, and are read there.
        package var readsClients = false
        /// How many processors work on one job, at least 1.
        package var processors: Int

        /// The limits and directories that concern arrays.
        package var places: ScoringPlaces {
            ScoringPlaces(
                maxPixels: maxPixels, spoolDirectory: spoolDirectory, dataDirectories: dataDirectories,
                readsClients: readsClients,
                processors: processors)
        }

        package init(
            maxBodyBytes: Int, maxJSONBytes: Int, maxPixels: Int, spoolDirectory: String,
            openJobTimeToLive: TimeInterval = 3600, processors: Int = 1
        ) {
            self.maxBodyBytes = maxBodyBytes
            self.maxJSONBytes = maxJSONBytes
            self.maxPixels = maxPixels
            self.spoolDirectory = spoolDirectory
            self.openJobTimeToLive = openJobTimeToLive
            self.processors = processors
        }
    }

    /// How many jobs that have ended can be remembered in an eighth of the memory.
    ///
    /// - Parameters:
    ///   - budget: The memory for arrays, in bytes.
    package static func history(within budget: Int) -> Int {
        min(max(budget / 8 / RememberedJobs.byteCount, 1000), 1 << 20)
    }

    /// The version of the program, as `/version` answers it.
    package static let version = "0.1.0"

    /// The limits and directories that the command line sets.
    package let configuration: Configuration
    let limits: JobLimits
    let imageLoop: ImageLoop
    /// The jobs that take batches, and whether a timer watches for those that are idle too long.
    let openJobs = Mutex<(jobs: [JobID: OpenJob], isWatched: Bool)>(([:], false))
    /// The queue that holds all jobs.
    package let queue: JobQueue<ScoreJob>
    let uploads: UploadShares
    private let pace = Pace()
    let remembered = RememberedJobs()
    let regionCache = RegionCache()
    private let reviews = Reviews()
    /// Held while a job runs that an earlier process did not survive. Such jobs run one at a time, so that none is
    /// blamed for the failure of another.
    let suspects = DispatchSemaphore(value: 1)
    let metrics: ServiceMetrics
    /// Writes all metrics of the program, as `/metrics` answers them.
    let exposition: @Sendable () -> [UInt8]
    private let logger: Logger
    /// The workers that make answers.
    private let encoders: Workers
    /// The workers for changes that may have to wait for a disk. They are workers of their own, so that answers which
    /// need no disk do not wait for one.
    private let committers: Workers

    /// Creates a service with an empty queue.
    ///
    /// - Parameters:
    ///   - configuration: The limits and directories.
    ///   - limits: The limits of the job queue.
    ///   - logger: Logs the problems that requests are answered with.
    ///   - store: Keeps the jobs beside the queue; ``takeUp(_:)`` takes up those that an earlier process has left in
    ///     it.
    ///   - factory: Makes the metrics of the service.
    ///   - exposition: Writes all metrics of the program in Prometheus' text format.
    ///   - whenEnded: Is called for each job that has ended, in whatever way.
    package init(
        configuration: Configuration, limits: JobLimits, logger: Logger,
        store: any JobStore<ScoreJob> = MemoryJobStore<ScoreJob>(),
        metrics factory: any MetricsFactory = MetricsSystem.factory,
        exposition: @escaping @Sendable () -> [UInt8] = { [] },
        whenEnded: @escaping @Sendable (Job<ScoreJob>) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.limits = limits
        imageLoop = ImageLoop(processors: configuration.processors)
        uploads = UploadShares(limit: configuration.uploadsPerCaller)
        self.logger = logger
        let metrics = ServiceMetrics(factory, limits, version: Self.version)
        self.metrics = metrics
        self.exposition = exposition
        encoders = Workers("segscore.encoders", count: limits.workers)
        committers = Workers("segscore.committers", count: limits.workers)
        queue = JobQueue(limits: limits, store: store) { [remembered, regionCache, reviews, pace] event in
            switch event {
            case .ended(let job):
                pace.count(job)
                metrics.count(job)
                whenEnded(job)
                remembered.add(1)
            case .forgotten(let id, let hadEnded):
                regionCache.remove(id)
                reviews.remove(id)
                if hadEnded { remembered.removeOne() }
            case .prolonged: break
            case .expired(let id): regionCache.remove(id)
            case .spoiled(let job): regionCache.remove(job.id)
            }
        }
    }

    /// Keeps the jobs beside the queue.
    var store: any JobStore<ScoreJob> { queue.store }

    /// What reviewers have decided about the regions of a job.
    func decisions(on job: JobID) -> JobDecisions { reviews.decisions(on: job, in: store) }

    /// Whether a caller may learn about a job, including that it does not exist. A job keeps its owner, and its id is
    /// never used again, so it is enough to ask this once for each request.
    func shows(_ id: JobID, to caller: Caller) -> Bool {
        guard !caller.seesAll, let job = try? queue.job(id) else { return true }
        return caller.sees(job.details.owner)
    }

    /// The limits for the size of a body.
    package var bodyLimits: ArrayBody.Limits {
        ArrayBody.Limits(bodyBytes: configuration.maxBodyBytes, jsonBytes: configuration.maxJSONBytes)
    }

    /// Proves that the parameters go together, once all of them have come.
    ///
    /// - Throws: A 400 problem if they do not, or if this server cannot do what they ask.
    func check(_ parameters: ScoreParameters) throws(Problem) {
        try parameters.check()
        if let output = parameters.output { try configuration.dataDirectories.checkOutput(output) }
        if let images = parameters.images { try configuration.dataDirectories.pictures(images).check() }
    }

    /// Proves that there is memory for another request.
    ///
    /// - Throws: A 503 problem if memory is nearly used up, since the request could then hardly be completed.
    package func checkMemory() throws(Problem) {
        guard !ByteBudget.memory.isNearlyUsed else {
            throw Problem(
                .outOfMemory, "The memory for arrays is nearly used up.", limit: ByteBudget.memory.limit)
        }
    }

    /// The `Retry-After` for clients that have to wait for jobs, in seconds.
    var retryAfter: String {
        let counts = queue.counts
        let ahead = counts[.receiving] + counts[.queued] + counts[.running]
        return String(pace.estimate(jobsAhead: ahead, workers: limits.workers))
    }

    /// Runs an action on a worker that may wait for a disk.
    func commit(_ body: @escaping @Sendable () -> Void) {
        committers.perform(body)
    }

    /// Makes a change that the store records. If the store has to wait for a disk, a worker makes the change, since
    /// daemon threads must not wait.
    func change(_ body: @escaping @Sendable () -> Void) {
        if store.outlivesProcess { commit(body) } else { body() }
    }

    /// Makes a change on a worker that may wait for a disk, and answers.
    func commit(
        _ answer: @escaping @Sendable (Answer) -> Void, _ body: @escaping @Sendable () throws(Problem) -> Response
    ) {
        commit { answer(Answer(catching: body)) }
    }

    /// Makes an answer on a worker, so that no daemon thread computes.
    package func encode(
        _ answer: @escaping @Sendable (Answer) -> Void, _ body: @escaping @Sendable () throws(Problem) -> Response
    ) {
        encoders.perform { answer(Answer { () throws(Problem) in try self.reading(body) }) }
    }

    /// Makes an answer from results, which may lie in files that become shorter or unreadable meanwhile.
    ///
    /// Faults in the first piece of a long text are found here. A fault in a later piece cuts the text off.
    ///
    /// - Throws: What `body` throws; a 500 problem if a file no longer holds what was written.
    func reading(_ body: () throws(Problem) -> Response) throws(Problem) -> Response {
        let faults = MappedFile.faultCount
        let response = try body()
        response.body.stream?.makeFirst { self.isSound(since: faults) }
        try prove(since: faults)
        return response
    }

    private func isSound(since faults: UInt64) -> Bool {
        do throws(Problem) {
            try prove(since: faults)
            return true
        } catch {
            // The error is logged when the job fails.
            return false
        }
    }

    /// Proves that recently read results are intact, if reads of mapped files have failed since.
    ///
    /// - Parameter faults: The value of ``MappedFile/faultCount`` before the results were read.
    /// - Throws: A 500 problem if a file no longer holds what was written.
    private func prove(since faults: UInt64) throws(Problem) {
        if MappedFile.faultCount != faults { try store.proveOutputs() }
    }

    /// Makes the response that is sent from what a handler ended with. Problems are logged here and nowhere else.
    package func response(for answer: Answer, to request: IncomingRequest) -> Response {
        switch answer {
        case .success(let response):
            response.body.stream?.begin { [encoders] in encoders.perform($0) }
            return response
        case .failure(let problem):
            var problem = problem
            if problem.fields[.retryAfter] != nil { problem.fields[.retryAfter] = retryAfter }
            var metadata: Logger.Metadata {
                var metadata: Logger.Metadata = [
                    "request.id": .string(request.id), "request.method": .string(request.head.method.rawValue),
                    "request.path": .string(request.head.path ?? ""), "response.status": "\(problem.status.code)",
                    "problem.type": .string(problem.type.rawValue), "problem.detail": .string(problem.detail),
                ]
                if let trace = request.trace {
                    metadata["trace.id"] = "\(trace.traceID)"
                    metadata["traceparent"] = .string(trace.parent)
                }
                return metadata
            }
            logger.log(
                level: problem.status.kind == .serverError ? .error : .debug, "request refused", metadata: metadata)
            return problem.response
        }
    }
}
