import Foundation

/// How long jobs that have ended are kept, and their outputs.
extension JobQueueState {
    /// Takes a job that has ended into the history, and forgets the oldest jobs if there are too many.
    mutating func remember(
        _ id: JobID, endedAt end: Date, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        retention.add(id, at: end)
        let old = retention.overflow(
            beyond: limits.history, expired: limits.expiredHistory, endedBefore: now - limits.timeToLive)
        for id in old { forget(id, &aftermath) }
    }

    /// Keeps an output, and drops others whose turn it is if there is no room.
    ///
    /// - Parameters:
    ///   - bytes: Nil for an output that is not to be kept.
    ///   - expiresAt: Nil for an output that somebody keeps.
    mutating func hold(
        _ id: JobID, bytes: Int?, until expiresAt: Date?, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        guard let bytes else { return dropOutputs([id], expiredAt: now, &aftermath) }
        dropOutputs(retention.makeRoom(for: bytes, within: limits.resultBytes), expiredAt: now, &aftermath)
        retention.hold(id, bytes: bytes, until: expiresAt)
    }

    /// Keeps an output for longer, or no longer than others.
    ///
    /// - Parameters:
    ///   - isKept: Whether the output is to stay until somebody says otherwise, or its memory is needed and no other
    ///     output is left.
    /// - Throws: The errors of ``Job/requireOutput()``, or ``JobError/unknown(_:)``.
    mutating func prolong(
        _ id: JobID, isKept: Bool, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) throws(JobError) -> Job<Kind> {
        guard let before = table[id]?.job else { throw .unknown(id) }
        _ = try before.requireOutput()
        let expiresAt = isKept ? nil : now.addingTimeInterval(limits.timeToLive)
        var job = before
        job.expiresAt = expiresAt
        _ = table.modify(id) { $0.job.expiresAt = expiresAt }
        retention.prolong(id, until: expiresAt)
        aftermath.events.append(.prolonged(job))
        return job
    }

    mutating func forget(_ id: JobID, _ aftermath: inout JobAftermath<Kind>) {
        retention.forget(id)
        guard let entry = table.remove(id) else { return }
        aftermath.calls += entry.waiters.map { ($0.body, nil) }
        aftermath.garbage.append(entry)
        aftermath.events.append(.forgotten(id, hadEnded: entry.status.isFinal))
    }

    /// - Parameter expiredAt: Set if the outputs go before their time.
    mutating func dropOutputs(_ ids: [JobID], expiredAt: Date?, _ aftermath: inout JobAftermath<Kind>) {
        for id in ids {
            let output = table.modify(id) { entry in
                let output = entry.job.output
                entry.job.output = .expired
                entry.job.expiresAt = expiredAt ?? entry.job.expiresAt
                return output
            }
            if let output {
                aftermath.garbage.append(output)
                aftermath.events.append(.expired(id))
            }
        }
    }
}
