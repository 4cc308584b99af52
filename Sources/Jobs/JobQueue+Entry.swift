package import Foundation

/// The way into a queue.
extension JobQueue {
    /// Opens a job whose input is about to come in; it is ``JobStatus/receiving``.
    ///
    /// - Parameters:
    ///   - key: What the client calls the request that makes the job.
    ///   - isPromised: Whether the client is to be told later what became of the job, by the next process too.
    /// - Throws: ``JobError/draining``, ``JobError/atCapacity(limit:)``, ``JobError/keyInUse(_:)``.
    package func admit(
        _ details: Kind.Details, key: Kind.Key? = nil, isPromised: Bool = false
    ) throws(JobError) -> JobID {
        let id = try change { state, _, now throws(JobError) in try state.admit(details, key: key, at: now) }
        if isPromised, let job = try? job(id) { store.begin(job) }
        return id
    }

    /// The request that made a job has arrived as a whole. From here on it is known by its key, whatever becomes of the
    /// job.
    package func identify(_ id: JobID, by fingerprint: Kind.Fingerprint) {
        change { state, _, _ in _ = state.table.modify(id) { $0.job.fingerprint = fingerprint } }
    }

    /// Opens a job that takes input in several requests; it is ``JobStatus/open`` until it is enqueued.
    ///
    /// - Throws: ``JobError/draining``, ``JobError/tooManyOpen(limit:)``.
    package func open(_ details: Kind.Details) throws(JobError) -> JobID {
        try change { state, _, now throws(JobError) in try state.open(details, at: now) }
    }

    /// Changes what a job says of itself and how far it has come, unless it has ended or is unknown.
    ///
    /// - Parameters:
    ///   - imagesDone: Fewer than before count for nothing.
    ///   - imagesTotal: Nil leaves the total as it is.
    ///   - change: Runs with the lock held: it changes the value and calls nothing else.
    /// - Returns: Whether the job is still live. If it is not, its input is no longer wanted.
    @discardableResult
    package func update(
        _ id: JobID, imagesDone: Int = 0, imagesTotal: Int? = nil,
        details change: (inout Kind.Details) -> Void = { _ in }
    ) -> Bool {
        self.change { state, _, _ in
            state.update(id) { job in
                job.progress.imagesDone = max(job.progress.imagesDone, imagesDone)
                job.progress.imagesTotal = imagesTotal ?? job.progress.imagesTotal
                change(&job.details)
            }
        }
    }

    /// Forgets a job whose input was refused or abandoned, as if it had never been. A job that is past its input, or
    /// was canceled, stays; its key is free again, since the request that made it will not be complete.
    package func withdraw(_ id: JobID) {
        change { state, aftermath, _ in state.withdraw(id, &aftermath) }
    }

    /// Has a job's work run when a worker is free, first in, first out. The work is dropped as soon as it has returned,
    /// or when the job is canceled before.
    ///
    /// - Parameters:
    ///   - parts: What was kept of the job's input, which the job holds until it has ended.
    /// - Throws: ``JobError/unknown(_:)``; ``JobError/alreadyFinished(_:_:)`` if the job was canceled meanwhile;
    ///   ``JobError/notReceiving(_:_:)`` if it was enqueued before.
    package func enqueue(_ id: JobID, parts: [Kind.Part] = [], work: @escaping JobWork<Kind>) throws(JobError) {
        try change { state, aftermath, now throws(JobError) in
            try state.enqueue(id, parts: parts, work: work, at: now, &aftermath)
        }
    }

    /// Does what ``enqueue(_:parts:work:)`` does, and ``whenFinal(_:timeout:_:)`` before the job can end: an output
    /// that finds no room is handed to those alone that wait for it already.
    ///
    /// - Parameters:
    ///   - timeout: Seconds above 0; nil waits as long as it takes.
    ///   - whenFinal: Called whether this throws or not.
    /// - Throws: As ``enqueue(_:parts:work:)``.
    package func enqueue(
        _ id: JobID, parts: [Kind.Part] = [], timeout: TimeInterval?, work: @escaping JobWork<Kind>,
        whenFinal: @escaping @Sendable (Job<Kind>?) -> Void
    ) throws(JobError) {
        let (token, answer) = change { state, aftermath, now in
            let token = state.wait(for: id, waits: true, whenFinal, &aftermath)
            let result = Result { () throws(JobError) in
                try state.enqueue(id, parts: parts, work: work, at: now, &aftermath)
            }
            return (token, result)
        }
        if let token, let timeout { timeOut(id, token: token, after: timeout) }
        try answer.get()
    }

    /// Takes up jobs of another process, before any other.
    ///
    /// Jobs that are ``JobStatus/receiving`` or ``JobStatus/open`` go on as if they had been admitted or opened here.
    /// Of the jobs that have ended the latest are kept as far as limits allow, with their output if its time is not
    /// over.
    ///
    /// - Parameters:
    ///   - jobs: In order of creation; none of them queued or running.
    package func restore(_ jobs: [Job<Kind>]) {
        // Asked for here, since outputs are not ours.
        let measured = jobs.map { job -> (Job<Kind>, Int) in
            guard case .available(let output) = job.output else { return (job, 0) }
            return (job, max(output.byteCount, 0))
        }
        change { state, aftermath, now in state.restore(measured, at: now, &aftermath) }
    }
}
