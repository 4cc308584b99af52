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
    mutating func hold(
        _ id: JobID, bytes: Int?, until expiresAt: Date, at now: Date, _ aftermath: inout JobAftermath<Kind>
    ) {
        guard let bytes else { return dropOutputs([id], expiredAt: now, &aftermath) }
        dropOutputs(retention.makeRoom(for: bytes, within: limits.resultBytes), expiredAt: now, &aftermath)
        retention.hold(id, bytes: bytes, until: expiresAt)
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
