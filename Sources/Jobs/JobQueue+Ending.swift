/// How jobs are ended by others than their work.
extension JobQueue {
    /// Cancels a job: at once if it does not run, else as soon as its work sees that it should stop.
    ///
    /// - Returns: The job as it is afterwards, maybe still ``JobStatus/running``.
    /// - Throws: ``JobError/unknown(_:)``, ``JobError/alreadyFinished(_:_:)``.
    @discardableResult
    package func cancel(_ id: JobID) throws(JobError) -> Job<Kind> {
        try change { state, aftermath, now throws(JobError) in try state.cancel(id, at: now, &aftermath) }
    }

    /// Cancels all jobs that have not ended.
    package func cancelAll() {
        change { state, aftermath, now in state.cancel(JobStatus.allCases, at: now, &aftermath) }
    }

    /// Cancels a job if it is open, and does nothing to any other.
    package func cancelOpen(_ id: JobID) {
        change { state, aftermath, now in
            guard state.table[id]?.status == .open else { return }
            // It is there and it lives.
            _ = try? state.cancel(id, at: now, &aftermath)
        }
    }

    /// Cancels a job if it lives, and forgets it. Callers that wait for it are told nil.
    ///
    /// - Throws: ``JobError/unknown(_:)``.
    package func delete(_ id: JobID) throws(JobError) {
        try change { state, aftermath, now throws(JobError) in try state.delete(id, at: now, &aftermath) }
    }

    /// Keeps the output of a job until somebody says otherwise, or again only for as long as that of a job that ends
    /// now.
    ///
    /// - Returns: The job as it is then.
    /// - Throws: The errors of ``Job/requireOutput()``, or ``JobError/unknown(_:)``.
    package func prolong(_ id: JobID, isKept: Bool) throws(JobError) -> Job<Kind> {
        try change { state, aftermath, now throws(JobError) in
            try state.prolong(id, isKept: isKept, at: now, &aftermath)
        }
    }

    /// Has a job fail that has succeeded, since its output is not what it was.
    ///
    /// - Returns: Whether there was such a job, with an output.
    @discardableResult
    package func spoil(_ id: JobID, _ failure: Kind.Failure) -> Bool {
        change { state, aftermath, _ in state.spoil(id, failure, &aftermath) }
    }

    /// Refuses new jobs from now on. Jobs that were admitted go on. So do open jobs if the next process finds them; if
    /// not they are canceled, since nobody can bring input for them any more.
    package func drain() {
        let statuses: [JobStatus] = store.outlivesProcess ? [] : [.open]
        change { state, aftermath, now in
            state.drain()
            state.cancel(statuses, at: now, &aftermath)
        }
    }

    package var isDraining: Bool { change { state, _, _ in state.isDraining } }
}
