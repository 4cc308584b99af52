import DequeModule
import Foundation

/// All that a queue's lock guards: the jobs, and the callers that wait for them.
///
/// It is a value: it calls nobody and starts nothing, but writes down in a ``JobAftermath`` what is to be done. Its
/// extensions follow a job: how it is run, how others end it, which callers wait for it, and how long it is kept.
struct JobQueueState<Kind: JobKind>: Sendable {
    let limits: JobLimits
    var table = JobTable<Kind>()
    var retention = JobRetention()
    /// First in, first out.
    var queued: Deque<JobID> = []
    /// Operations that have not begun: at least as many as jobs are queued. An operation takes whichever job is first,
    /// so that the operations of canceled jobs serve the next ones and do not pile up.
    var waitingOperations = 0
    /// Jobs in the hands of a worker, deleted ones included.
    var runningWork = 0
    /// Changes of which events are still being told or calls made.
    private var deliveries = 0
    private(set) var isDraining = false
    var idleWaiters: [@Sendable () -> Void] = []
    var nextToken: UInt64 = 0
    private var nextWake: Date?

    init(limits: JobLimits) {
        self.limits = limits
    }

    var counts: JobCounts {
        var counts = table.counts
        counts.outputBytes = retention.outputBytes
        return counts
    }

    // MARK: Before and after each change

    /// Drops the outputs whose time is over.
    mutating func expire(at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        dropOutputs(retention.expire(at: now), expiredAt: nil, &aftermath)
    }

    /// Writes down what follows from the state as it is now.
    mutating func conclude(at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        if let next = retention.nextExpiry, next < nextWake ?? .distantFuture {
            nextWake = next
            aftermath.wakeAfter = next.timeIntervalSince(now)
        }
        if aftermath.tellsAnybody {
            deliveries += 1
        }
        let counts = table.counts
        if counts.backlog == 0, runningWork == 0, deliveries == 0 {
            aftermath.idleCalls = idleWaiters
            idleWaiters = []
        }
    }

    /// The events of an aftermath were told, and its calls made.
    mutating func delivered() {
        deliveries -= 1
    }

    /// A wake that was asked for has come.
    mutating func woke() {
        nextWake = nil
    }

    // MARK: The way in

    mutating func admit(_ details: Kind.Details, key: Kind.Key?, at now: Date) throws(JobError) -> JobID {
        guard !isDraining else { throw .draining }
        if let key, table[key] != nil { throw .keyInUse(key.description) }
        guard table.counts.backlog < limits.backlog else { throw .atCapacity(limit: limits.backlog) }
        return table.insert(JobLifecycle(.receiving, at: now), details: details, key: key)
    }

    mutating func open(_ details: Kind.Details, at now: Date) throws(JobError) -> JobID {
        guard !isDraining else { throw .draining }
        guard table.counts[.open] < limits.backlog else { throw .tooManyOpen(limit: limits.backlog) }
        return table.insert(JobLifecycle(.open, at: now), details: details)
    }

    /// Takes up jobs of another process.
    mutating func restore(_ jobs: [(job: Job<Kind>, bytes: Int)], at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        for (job, _) in jobs { table.insert(job) }
        let finished = jobs.filter { $0.job.status.isFinal }
        for (job, bytes) in finished.sorted(by: { $0.job.finishedAt ?? now < $1.job.finishedAt ?? now }) {
            remember(job.id, endedAt: job.finishedAt ?? now, at: now, &aftermath)
            guard table[job.id] != nil, case .available = job.output else { continue }
            hold(
                job.id, bytes: bytes <= limits.resultBytes ? bytes : nil, until: job.expiresAt, at: now, &aftermath)
        }
        expire(at: now, &aftermath)
    }

    /// Changes a job that has not ended.
    ///
    /// - Returns: Whether there was such a job.
    mutating func update(_ id: JobID, _ change: (inout Job<Kind>) -> Void) -> Bool {
        let isLive = table.modify(id) { entry in
            guard !entry.status.isFinal else { return false }
            change(&entry.job)
            return true
        }
        return isLive ?? false
    }

    mutating func withdraw(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        switch table[id]?.job.lifecycle.withdraw() {
        case .forget?: forget(id, &aftermath)
        case .keep?: table.freeKey(of: id)
        case nil: break
        }
    }

    mutating func drain() {
        isDraining = true
    }
}
