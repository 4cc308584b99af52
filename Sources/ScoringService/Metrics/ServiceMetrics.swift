import CoreMetrics
import DatasetScoring
import Jobs
import JobStorage
import Memory
import Scoring

/// The metrics of jobs. All of them exist from the start, so that events that never happened read 0.
final class ServiceMetrics: Sendable {
    /// The metrics that each method has for itself.
    private struct OfMethod {
        let finished: [JobStatus: Counter]
        let scoring: Timer
        let images: Counter
        let pixels: Counter

        init(_ method: ScoreParameters.Method, _ factory: any MetricsFactory) {
            let label = ("method", method.rawValue)
            let ends = JobStatus.allCases.filter(\.isFinal).map { status in
                let labels = [label, ("status", status.rawValue)]
                return (status, Counter(label: "segscore_jobs_finished_total", dimensions: labels, factory: factory))
            }
            finished = Dictionary(uniqueKeysWithValues: ends)
            scoring = Timer(label: "segscore_scoring_seconds", dimensions: [label], factory: factory)
            images = Counter(label: "segscore_images_total", dimensions: [label], factory: factory)
            pixels = Counter(label: "segscore_pixels_total", dimensions: [label], factory: factory)
        }
    }

    private let methods: [ScoreParameters.Method: OfMethod]
    private let jobs: [JobStatus: Gauge]
    private let wait: Timer
    private let queueDepth: Gauge
    private let resultBytes: Gauge
    private let memory: Gauge
    private let memoryBudget: Gauge

    init(_ factory: any MetricsFactory, _ limits: JobLimits, version: String) {
        methods = Dictionary(
            uniqueKeysWithValues: ScoreParameters.Method.allCases.map { ($0, OfMethod($0, factory)) })
        let gauges = JobStatus.allCases.map { status in
            (status, Gauge(label: "segscore_jobs", dimensions: [("status", status.rawValue)], factory: factory))
        }
        jobs = Dictionary(uniqueKeysWithValues: gauges)
        wait = Timer(label: "segscore_job_wait_seconds", factory: factory)
        queueDepth = Gauge(label: "segscore_job_queue_depth", factory: factory)
        resultBytes = Gauge(label: "segscore_result_bytes", factory: factory)
        memory = Gauge(label: "segscore_memory_bytes", factory: factory)
        memoryBudget = Gauge(label: "segscore_memory_budget_bytes", factory: factory)
        Gauge(label: "segscore_result_budget_bytes", factory: factory).record(limits.resultBytes)
        Gauge(label: "segscore_build_info", dimensions: [("version", version)], factory: factory).record(1)
    }

    /// Counts a job that has ended.
    func count(_ job: Job<ScoreJob>) {
        guard let method = methods[job.details.parameters.method] else { return }
        method.finished[job.status]?.increment()
        if let seconds = job.secondsQueued { wait.recordSeconds(seconds) }
        if let seconds = job.secondsRun { method.scoring.recordSeconds(seconds) }
        if job.status == .succeeded, let shape = job.details.shape {
            method.images.increment(by: shape.imageCount)
            method.pixels.increment(by: shape.pixelCount)
        }
    }

    /// Records the state of the queue.
    func update(_ counts: JobCounts) {
        for (status, gauge) in jobs { gauge.record(counts[status]) }
        queueDepth.record(counts[.queued])
        resultBytes.record(counts.outputBytes)
        memory.record(ByteBudget.memory.used)
        memoryBudget.record(ByteBudget.memory.limit)
    }
}
