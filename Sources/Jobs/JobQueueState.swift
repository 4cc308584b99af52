import Foundation

/// All that a queue's lock guards: the jobs, and who waits for what.
///
/// It is a value: it calls nobody and starts nothing, but writes down in a ``JobAftermath`` what is to be done.
struct JobQueueState<Kind: JobKind>: Sendable {
    private let limits: JobLimits
    var table = JobTable<Kind>()
    private var retention = JobRetention()
    /// First in, first out.
    private var queued: [JobID] = []
    /// Operations that have not begun: at least as many as are queued. One takes whichever job is first, so that those
    /// of canceled jobs serve the next ones and don't pile up.
    private var waitingOperations = 0
    /// Jobs in the hands of a worker, deleted ones included.
    private var runningWork = 0
    /// Changes of which events are still being told or calls made.
    private var deliveries = 0
    private(set) var isDraining = false
    private var idleWaiters: [@Sendable () -> Void] = []
    private var nextToken: UInt64 = 0
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

    // MARK: Changes

    mutating func admit(_ details: Kind.Details, at now: Date) throws(JobError) -> JobID {
        guard !isDraining else { throw .draining }
        guard table.counts.backlog < limits.backlog else { throw .atCapacity(limit: limits.backlog) }
        return table.insert(JobLifecycle(.receiving, at: now), details: details)
    }

    mutating func open(_ details: Kind.Details, at now: Date) throws(JobError) -> JobID {
        guard !isDraining else { throw .draining }
        guard table.counts[.open] < limits.backlog else { throw .tooManyOpen(limit: limits.backlog) }
        return table.insert(JobLifecycle(.open, at: now), details: details)
    }

    /// Takes up jobs of another process.
    mutating func restore(_ jobs: [(job: Job<Kind>, bytes: Int)], at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        for (job, _) in jobs { table.insert(JobRecord(job)) }
        let finished = jobs.filter { $0.job.status.isFinal }
        for (job, bytes) in finished.sorted(by: { ($0.job.finishedAt ?? now) < ($1.job.finishedAt ?? now) }) {
            remember(job.id, endedAt: job.finishedAt ?? now, at: now, &aftermath)
            guard table[job.id] != nil, case .available = job.output, let expiresAt = job.expiresAt else { continue }
            hold(
                job.id, bytes: bytes <= limits.resultBytes ? bytes : nil, until: expiresAt, at: now, &aftermath)
        }
        expire(at: now, &aftermath)
    }

    /// Changes a job that has not ended.
    ///
    /// - Returns: Whether there was one.
    mutating func update(_ id: JobID, _ change: (inout JobRecord<Kind>) -> Void) -> Bool {
        let isLive = table.modify(id) { record in
            guard !record.status.isFinal else { return false }
            change(&record)
            return true
        }
        return isLive ?? false
    }

    mutating func withdraw(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        guard table[id]?.lifecycle.withdraw() == .forget else { return }
        forget(id, &aftermath)
    }

    mutating func enqueue(
        _ id: JobID, work: @escaping JobWork<Kind>, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) throws(JobError) {
        let answer = table.modify(id) { record in
            let action = record.lifecycle.enqueue(at: now)
            if action == .submit {
                record.work = work
            }
            return (action, record.status)
        }
        switch answer {
        case nil: throw .unknown(id)
        case (.refuse, let status)?: throw .notReceiving(id, status)
        case (.tooLate, let status)?: throw .alreadyFinished(id, status)
        case (.submit, _)?: submit(id, &aftermath)
        }
    }

    /// A job's work is to be done when those that are queued have begun.
    private mutating func submit(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        queued.append(id)
        if waitingOperations < queued.count {
            waitingOperations += 1
            aftermath.addsOperation = true
        }
    }

    /// What an operation is to run.
    struct Assignment: Sendable {
        let id: JobID
        let work: JobWork<Kind>
        let cancelFlag: CancelFlag
    }

    /// An operation begins: gives it the first job, if there is one.
    mutating func startNext(at now: Date) -> Assignment? {
        waitingOperations -= 1
        guard !queued.isEmpty else { return nil }
        let id = queued.removeFirst()
        let assignment = table.modify(id) { record -> Assignment? in
            guard record.lifecycle.start(at: now) == .run, let work = record.work else { return nil }
            record.work = nil
            return Assignment(id: id, work: work, cancelFlag: record.cancelFlag)
        }
        guard let assignment, let assignment else { return nil }
        runningWork += 1
        return assignment
    }

    /// An operation's work has returned.
    ///
    /// - Parameter bytes: What the output counts against the budget, at least 0.
    mutating func finish(
        _ id: JobID, _ outcome: JobOutcome<Kind>, bytes: Int, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        runningWork -= 1
        let isKept = limits.keepsOutput(of: bytes)
        let expiresAt = isKept ? now.addingTimeInterval(limits.timeToLive) : now
        let action = table.modify(id) { record in
            let action = record.lifecycle.finish(outcome.ending, at: now)
            guard action == .settle else { return action }
            switch outcome {
            case .succeeded(let output):
                record.output = .available(output)
                record.expiresAt = expiresAt
                record.progress.imagesDone = record.progress.imagesTotal ?? record.progress.imagesDone
            case .failed(let failure): record.failure = failure
            case .canceled, .again: break
            }
            return action
        }
        guard action == .settle else { return }
        settle(id, at: now, &aftermath)
        guard case .succeeded = outcome else { return }
        hold(id, bytes: isKept ? bytes : nil, until: expiresAt, at: now, &aftermath)
    }

    /// A job has ended just now: tells who waits for it, and keeps it.
    private mutating func settle(_ id: JobID, at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        tellWaiters(of: id, &aftermath)
        remember(id, endedAt: now, at: now, &aftermath)
    }

    /// An operation's work has returned undone.
    ///
    /// - Returns: Whether the job waits for ``resume(_:_:)``.
    mutating func postpone(
        _ id: JobID, _ work: @escaping JobWork<Kind>, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) -> Bool {
        runningWork -= 1
        let action = table.modify(id) { record in
            let action = record.lifecycle.postpone(at: now)
            if action == .keep { record.work = work }
            return action
        }
        if action == .settle { settle(id, at: now, &aftermath) }
        return action == .keep
    }

    /// A job that was postponed takes its place behind those that are queued.
    mutating func resume(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        guard let record = table[id], record.status == .queued, record.work != nil, !queued.contains(id) else { return }
        submit(id, &aftermath)
    }

    mutating func cancel(
        _ id: JobID, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) throws(JobError) -> Job<Kind> {
        let answer = table.modify(id) { record in
            let action = record.lifecycle.cancel(at: now)
            let work = record.work
            switch action {
            case .settle: record.work = nil
            case .signal: record.cancelFlag.raise()
            case .tooLate: break
            }
            return (action, work, record.snapshot)
        }
        guard let (action, work, job) = answer else { throw .unknown(id) }
        switch action {
        case .tooLate: throw .alreadyFinished(id, job.status)
        case .signal: break
        case .settle:
            if let work {
                aftermath.garbage.append(work)
            }
            queued.removeAll { $0 == id }
            settle(id, at: now, &aftermath)
        }
        return job
    }

    mutating func cancel(_ statuses: [JobStatus], at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        for id in table.live where table[id].map({ statuses.contains($0.status) }) ?? false {
            // It is there and it lives: the list was made in this very change.
            _ = try? cancel(id, at: now, &aftermath)
        }
    }

    mutating func delete(_ id: JobID, at now: Date, _ aftermath: inout JobAftermath<Kind>) throws(JobError) {
        let ended = table.modify(id) { record -> Job<Kind>? in
            record.cancelFlag.raise()
            guard !record.status.isFinal else { return nil }
            // Nobody will see how its work ends.
            if record.lifecycle.cancel(at: now) == .signal { _ = record.lifecycle.finish(.canceled, at: now) }
            return record.snapshot
        }
        guard let ended else { throw .unknown(id) }
        queued.removeAll { $0 == id }
        if let job = ended { aftermath.events.append(.ended(job)) }
        forget(id, &aftermath)
    }

    mutating func spoil(_ id: JobID, _ failure: Kind.Failure, _ aftermath: inout JobAftermath<Kind>) -> Bool {
        let answer = table.modify(id) { record -> (Job<Kind>, Job<Kind>.Availability)? in
            guard case .available = record.output, record.lifecycle.spoil() else { return nil }
            let output = record.output
            (record.output, record.failure, record.expiresAt) = (.none, failure, nil)
            return (record.snapshot, output)
        }
        guard let answer, let (job, output) = answer else { return false }
        retention.release(id)
        aftermath.garbage.append(output)
        aftermath.events.append(.spoiled(job))
        return true
    }

    mutating func drain() {
        isDraining = true
    }

    // MARK: Waiting

    /// Adds somebody who waits for a job to end, or writes down the call where there is nothing to wait for.
    ///
    /// - Parameter waits: Whether to wait for a job that lives.
    /// - Returns: What ``timeOut(_:token:_:)`` takes; nil where nobody waits.
    mutating func wait(
        for id: JobID, waits: Bool, _ body: @escaping @Sendable (Job<Kind>?) -> Void,
        _ aftermath: inout JobAftermath<Kind>
    ) -> UInt64? {
        guard waits, let record = table[id], !record.status.isFinal else {
            aftermath.calls.append((body, table[id]?.snapshot))
            return nil
        }
        nextToken += 1
        let waiter = JobWaiter<Kind>(token: nextToken, body: body)
        _ = table.modify(id) { $0.waiters.append(waiter) }
        return nextToken
    }

    /// Somebody has waited long enough.
    mutating func timeOut(_ id: JobID, token: UInt64, _ aftermath: inout JobAftermath<Kind>) {
        let answer = table.modify(id) { record -> (JobWaiter<Kind>, Job<Kind>)? in
            guard let index = record.waiters.firstIndex(where: { $0.token == token }) else { return nil }
            return (record.waiters.remove(at: index), record.snapshot)
        }
        guard let answer, let (waiter, job) = answer else { return }
        aftermath.calls.append((waiter.body, job))
    }

    mutating func waitUntilIdle(_ body: @escaping @Sendable () -> Void) {
        idleWaiters.append(body)
    }

    // MARK: Parts of changes

    private mutating func tellWaiters(of id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        let answer = table.modify(id) { record in
            let waiters = record.waiters
            record.waiters = []
            return (waiters, record.snapshot)
        }
        guard let (waiters, job) = answer else { return }
        aftermath.events.append(.ended(job))
        aftermath.calls += waiters.map { ($0.body, job) }
    }

    /// Takes up a job that has ended into the history, and forgets the oldest that are too many.
    private mutating func remember(
        _ id: JobID, endedAt end: Date, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        retention.add(id, at: end)
        let old = retention.overflow(
            beyond: limits.history, expired: limits.expiredHistory, endedBefore: now - limits.timeToLive)
        for id in old { forget(id, &aftermath) }
    }

    /// Keeps an output, in place of those that go first.
    ///
    /// - Parameters:
    ///   - bytes: Nil for one that is not to be kept.
    private mutating func hold(
        _ id: JobID, bytes: Int?, until expiresAt: Date, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        guard let bytes else { return dropOutputs([id], expiredAt: now, &aftermath) }
        dropOutputs(retention.makeRoom(for: bytes, within: limits.resultBytes), expiredAt: now, &aftermath)
        retention.hold(id, bytes: bytes, until: expiresAt)
    }

    private mutating func forget(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        retention.forget(id)
        guard let record = table.remove(id) else { return }
        aftermath.calls += record.waiters.map { ($0.body, nil) }
        aftermath.garbage.append(record)
        aftermath.events.append(.forgotten(id, hadEnded: record.status.isFinal))
    }

    /// - Parameter expiredAt: Set where the outputs go before their time.
    private mutating func dropOutputs(_ ids: [JobID], expiredAt: Date?, _ aftermath: inout JobAftermath<Kind>) {
        for id in ids {
            let output = table.modify(id) { record in
                let output = record.output
                record.output = .expired
                record.expiresAt = expiredAt ?? record.expiresAt
                return output
            }
            if let output {
                aftermath.garbage.append(output)
                aftermath.events.append(.expired(id))
            }
        }
    }
}

extension JobOutcome {
    var ending: JobLifecycle.Ending {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        // Which has not ended at all, and comes another way.
        case .canceled, .again: .canceled
        }
    }
}
