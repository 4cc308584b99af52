package import CoreMetrics
package import DatasetScoring
import Dispatch
package import Foundation
import HTTPTypes
package import JobStorage
package import Jobs
package import Logging
import Scoring
package import ServiceInterface
import Synchronization
import Tensors
import Threads
package import WebService

/// What all handlers share: the jobs, the limits, the log, the metrics, and the workers that encode answers.
///
package final class Service: Sendable {
    /// The limits and places that come from the command line.
    package struct Configuration: Sendable {
        /// The largest body, in bytes, on the wire and after decompression.
        package var maxBodyBytes: Int
        /// The largest JSON body, in bytes; it is held in memory.
        package var maxJSONBytes: Int
        /// The largest N·H·W.
        package var maxPixels: Int
        /// An existing directory for `pred_probs` that come before `labels`.
        package var spoolDirectory: String
        /// How many processes may end while they run a job before it is set aside; 0 for any number.
        package var attemptLimit = 3
        /// How long an open job is left alone before it is canceled, in seconds.
        package var openJobTimeToLive: TimeInterval
        /// How many bodies of jobs one caller may have on their way; nil for any number.
        package var uploadsPerCaller: Int?
        /// Where files are that may stand for arrays.
        package var dataDirectories = DataDirectories()
        /// How many processors work on one job, at least 1.
        package var processors: Int

        /// Those of arrays.
        package var places: ScoringPlaces {
            ScoringPlaces(
                maxPixels: maxPixels, spoolDirectory: spoolDirectory, dataDirectories: dataDirectories,
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

    /// How many jobs that have ended are remembered, so that an eighth of the memory is enough for them.
    ///
    /// - Parameters:
    ///   - budget: The memory that there is for arrays, in bytes.
    package static func history(within budget: Int) -> Int {
        min(max(budget / 8 / RememberedJobs.byteCount, 1000), 1 << 20)
    }

    /// The version of the service, as `/version` gives it.
    package static let version = "0.1.0"

    package let configuration: Configuration
    let limits: JobLimits
    let imageLoop: ImageLoop
    /// Those that take batches, and whether a timer watches that none is left alone for too long.
    let openJobs = Mutex<(jobs: [JobID: OpenJob], isWatched: Bool)>(([:], false))
    package let queue: JobQueue<ScoreJob>
    /// What keeps jobs beyond the process; nil where nothing does.
    let durable: DurableJobs?
    let keys = IdempotencyKeys()
    let uploads: UploadShares
    private let pace = Pace()
    let remembered = RememberedJobs()
    /// Held while a job runs that an earlier process did not survive: one at a time, so that no other is taken for the culprit.
    let suspects = DispatchSemaphore(value: 1)
    let metrics: ServiceMetrics
    /// All metrics of the program, as `/metrics` answers them.
    let exposition: @Sendable () -> [UInt8]
    private let logger: Logger
    /// Make answers.
    private let encoders: Workers
    /// Do what may have to wait for a disk, so that no answer waits which needs none.
    private let committers: Workers

    /// - Parameters:
    ///   - metrics: Makes what the service counts with.
    ///   - exposition: Writes down what the whole program counts, in Prometheus' text format.
    ///   - durable: Keeps the jobs; ``restore()`` takes up what it has.
    ///   - whenEnded: Told of each job that has ended, in whatever way.
    package init(
        configuration: Configuration, limits: JobLimits, logger: Logger, durable: DurableJobs? = nil,
        metrics factory: any MetricsFactory = MetricsSystem.factory,
        exposition: @escaping @Sendable () -> [UInt8] = { [] },
        whenEnded: @escaping @Sendable (Job<ScoreJob>) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.limits = limits
        imageLoop = ImageLoop(processors: configuration.processors)
        uploads = UploadShares(limit: configuration.uploadsPerCaller)
        self.logger = logger
        let metrics = ServiceMetrics(factory, limits)
        self.metrics = metrics
        self.exposition = exposition
        self.durable = durable
        encoders = Workers("segscore.encoders", count: limits.workers)
        committers = Workers("segscore.committers", count: limits.workers)
        queue = JobQueue(limits: limits) { [remembered, pace] event in
            switch event {
            case .ended(let job):
                pace.count(job)
                metrics.count(job)
                whenEnded(job)
                remembered.add(1)
            case .forgotten(_, hadEnded: true): remembered.removeOne()
            case .forgotten, .expired, .spoiled: break
            }
            durable?.handle(event)
        }
        durable?.attach(queue)
    }

    /// Whether there is a job, ended or not.
    func knows(_ id: JobID) -> Bool { (try? queue.job(id)) != nil }

    /// Whether a caller may be told of a job, be it that there is none. A job's owner never changes, and no other gets its id, so it is
    /// enough to ask this once a request.
    func shows(_ id: JobID, to caller: Caller) -> Bool {
        guard !caller.seesAll, let job = try? queue.job(id) else { return true }
        return caller.sees(job.details.owner)
    }

    package var bodyLimits: ArrayBody.Limits {
        ArrayBody.Limits(bodyBytes: configuration.maxBodyBytes, jsonBytes: configuration.maxJSONBytes)
    }

    /// Proves of parameters what can be said once all of them are there.
    ///
    /// - Throws: 400 for what does not go together, or goes with another server.
    func check(_ parameters: ScoreParameters) throws(Problem) {
        try parameters.check()
        if let output = parameters.output { try configuration.dataDirectories.checkOutput(output) }
    }

    /// - Throws: 503 where memory is nearly used up: a request that began now would hardly be done with.
    package func checkMemory() throws(Problem) {
        guard !ByteBudget.memory.isNearlyUsed else {
            throw Problem(
                .outOfMemory, "The memory for arrays is nearly used up.", limit: ByteBudget.memory.limit)
        }
    }

    /// The `Retry-After` of who has to wait for jobs, in seconds.
    var retryAfter: String {
        let counts = queue.counts
        let ahead = counts[.receiving] + counts[.queued] + counts[.running]
        return String(pace.estimate(jobsAhead: ahead, workers: limits.workers))
    }

    /// Does something on a worker that may wait for a disk.
    func commit(_ body: @escaping @Sendable () -> Void) {
        committers.perform(body)
    }

    /// Makes a change on a worker, which may wait for a disk, and answers.
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

    /// Makes an answer of results, which may be in files that become shorter or unreadable meanwhile.
    ///
    /// What is wrong with the first piece of a long text is found here; what is wrong with a later one cuts it off.
    ///
    /// - Throws: What `body` throws; 500 where a file was not what was written.
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
            // It is logged where the job fails.
            return false
        }
    }

    /// Proves results that were read lately, where files were not what they were mapped as.
    ///
    /// - Parameter faults: ``MappedFile/faultCount`` before they were read.
    private func prove(since faults: UInt64) throws(Problem) {
        if MappedFile.faultCount != faults, let durable { try durable.proveOpened() }
    }

    /// Turns what a handler ended with into what is sent; a problem is logged here and nowhere else.
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
