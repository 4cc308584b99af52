import Foundation

/// How jobs are run: from the last byte of their input to the word of their work.
extension JobQueueState {
    mutating func enqueue(
        _ id: JobID, parts: [Kind.Part], work: @escaping JobWork<Kind>, at now: Date,
        _ aftermath: inout JobAftermath<Kind>
    ) throws(JobError) {
        let answer = table.modify(id) { entry in
            let action = entry.job.lifecycle.enqueue(at: now)
            if action == .submit {
                entry.work = work
                entry.job.parts = parts
            }
            return (action, entry.status)
        }
        switch answer {
        case nil: throw .unknown(id)
        case (.refuse, let status)?: throw .notReceiving(id, status)
        case (.tooLate, let status)?: throw .alreadyFinished(id, status)
        case (.submit, _)?: submit(id, &aftermath)
        }
    }

    /// Puts a job behind those that are queued.
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

    /// Gives the first job, if there is one, to an operation that begins.
    mutating func startNext(at now: Date) -> Assignment? {
        waitingOperations -= 1
        guard !queued.isEmpty else { return nil }
        let id = queued.removeFirst()
        let assignment = table.modify(id) { entry -> Assignment? in
            guard entry.job.lifecycle.start(at: now) == .run, let work = entry.work else { return nil }
            entry.work = nil
            return Assignment(id: id, work: work, cancelFlag: entry.cancelFlag)
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
        let action = table.modify(id) { entry in
            let action = entry.job.lifecycle.finish(outcome.ending, at: now)
            guard action == .settle else { return action }
            switch outcome {
            case .succeeded(let output):
                entry.job.output = .available(output)
                entry.job.expiresAt = expiresAt
                entry.job.progress.imagesDone = entry.job.progress.imagesTotal ?? entry.job.progress.imagesDone
            case .failed(let failure): entry.job.failure = failure
            case .canceled, .again: break
            }
            return action
        }
        guard action == .settle else { return }
        settle(id, at: now, &aftermath)
        guard case .succeeded = outcome else { return }
        hold(id, bytes: isKept ? bytes : nil, until: expiresAt, at: now, &aftermath)
    }

    /// Keeps a job that has ended just now, and tells those that wait for it.
    mutating func settle(_ id: JobID, at now: Date, _ aftermath: inout JobAftermath<Kind>) {
        let ended = table.modify(id) { entry in
            let (parts, waiters) = (entry.job.parts, entry.waiters)
            (entry.job.parts, entry.waiters) = ([], [])
            return (parts, waiters, entry.job)
        }
        if let (parts, waiters, job) = ended {
            if !parts.isEmpty { aftermath.garbage.append(parts) }
            aftermath.events.append(.ended(job))
            aftermath.calls += waiters.map { ($0.body, job) }
        }
        remember(id, endedAt: now, at: now, &aftermath)
    }

    /// An operation's work has returned undone.
    ///
    /// - Returns: Whether the job waits for ``resume(_:_:)``.
    mutating func postpone(
        _ id: JobID, _ work: @escaping JobWork<Kind>, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) -> Bool {
        runningWork -= 1
        let action = table.modify(id) { entry in
            let action = entry.job.lifecycle.postpone(at: now)
            if action == .keep { entry.work = work }
            return action
        }
        if action == .settle { settle(id, at: now, &aftermath) }
        return action == .keep
    }

    /// Puts a job that was postponed behind those that are queued.
    mutating func resume(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        guard let entry = table[id], entry.status == .queued, entry.work != nil, !queued.contains(id) else { return }
        submit(id, &aftermath)
    }
}

extension JobOutcome {
    var ending: JobLifecycle.Ending {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        case .canceled: .canceled
        // Work that is to be run again has not ended, and takes the way of `postpone`.
        case .again: .canceled
        }
    }
}
