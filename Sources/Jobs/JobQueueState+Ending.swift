import Foundation

/// How others than its work end a job.
extension JobQueueState {
    mutating func cancel(
        _ id: JobID, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) throws(JobError) -> Job<Kind> {
        let answer = table.modify(id) { entry in
            let action = entry.job.lifecycle.cancel(at: now)
            let work = entry.work
            switch action {
            case .settle: entry.work = nil
            case .signal: entry.cancelFlag.raise()
            case .tooLate: break
            }
            return (action, work, entry.job)
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
        let ended = table.modify(id) { entry -> Job<Kind>? in
            entry.cancelFlag.raise()
            guard !entry.status.isFinal else { return nil }
            // Nobody will see how its work ends.
            if entry.job.lifecycle.cancel(at: now) == .signal { _ = entry.job.lifecycle.finish(.canceled, at: now) }
            return entry.job
        }
        guard let ended else { throw .unknown(id) }
        queued.removeAll { $0 == id }
        if let job = ended { aftermath.events.append(.ended(job)) }
        forget(id, &aftermath)
    }

    mutating func spoil(_ id: JobID, _ failure: Kind.Failure, _ aftermath: inout JobAftermath<Kind>) -> Bool {
        let answer = table.modify(id) { entry -> (Job<Kind>, Job<Kind>.Availability)? in
            guard case .available = entry.job.output, entry.job.lifecycle.spoil() else { return nil }
            let output = entry.job.output
            (entry.job.output, entry.job.failure, entry.job.expiresAt) = (.none, failure, nil)
            return (entry.job, output)
        }
        guard let answer, let (job, output) = answer else { return false }
        retention.release(id)
        aftermath.garbage.append(output)
        aftermath.events.append(.spoiled(job))
        return true
    }
}
