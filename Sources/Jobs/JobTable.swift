import Foundation

/// Where a queue keeps its jobs: by id, in order of creation, and counted by status. Decides nothing.
struct JobTable<Kind: JobKind>: Sendable {
    private struct Place {
        let sequence: UInt64
        let id: JobID
    }

    private var entries: [JobID: JobEntry<Kind>] = [:]
    /// Oldest first. Some may be of jobs that are gone.
    private var places: [Place] = []
    /// The job that each key stands for. A key is known as long as its job is.
    private var keys: [Kind.Key: JobID] = [:]
    private var nextSequence: UInt64 = 1
    private(set) var counts = JobCounts()

    /// Adds a job and names it.
    mutating func insert(_ lifecycle: JobLifecycle, details: Kind.Details, key: Kind.Key? = nil) -> JobID {
        let job = Job<Kind>(id: JobID(), sequence: nextSequence, lifecycle: lifecycle, details: details, key: key)
        insert(job)
        return job.id
    }

    /// Adds a job.
    ///
    /// - Parameters:
    ///   - job: Its id is not in the table, and it was created after all jobs that are.
    mutating func insert(_ job: Job<Kind>) {
        precondition(entries[job.id] == nil && job.sequence >= nextSequence)
        places.append(Place(sequence: job.sequence, id: job.id))
        nextSequence = job.sequence + 1
        entries[job.id] = JobEntry(job)
        if let key = job.key { keys[key] = job.id }
        counts[job.status] += 1
    }

    /// A copy of a job's entry. ``read(_:_:)`` looks at it in place.
    subscript(id: JobID) -> JobEntry<Kind>? { entries[id] }

    subscript(key: Kind.Key) -> JobEntry<Kind>? { keys[key].flatMap { entries[$0] } }

    /// Frees a job's key for another.
    mutating func freeKey(of id: JobID) {
        guard let index = entries.index(forKey: id), let key = entries.values[index].job.key else { return }
        entries.values[index].job.key = nil
        if keys[key] == id { keys[key] = nil }
    }

    /// Changes a job in place, and keeps the counts right.
    ///
    /// - Returns: What `change` returns; nil if there is no such job.
    mutating func modify<Answer>(_ id: JobID, _ change: (inout JobEntry<Kind>) -> Answer) -> Answer? {
        guard let index = entries.index(forKey: id) else { return nil }
        return entries.values[index].change(counting: &counts, change)
    }

    /// Looks at a job in place, which costs no copy of what it holds.
    ///
    /// - Returns: What `body` returns; nil if there is no such job.
    mutating func read<Answer>(_ id: JobID, _ body: (borrowing JobEntry<Kind>) -> Answer) -> Answer? {
        guard let index = entries.index(forKey: id) else { return nil }
        return entries.values[index].read(body)
    }

    /// Forgets a job.
    mutating func remove(_ id: JobID) -> JobEntry<Kind>? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        if let key = entry.job.key, keys[key] == id { keys[key] = nil }
        // Places are not removed one by one, since there may be very many.
        if places.count > 2 * entries.count + 64 { places.removeAll { entries[$0.id] == nil } }
        counts[entry.status] -= 1
        return entry
    }

    /// The jobs that have not ended, oldest first.
    var live: [JobID] {
        places.compactMap { place in
            guard let entry = entries[place.id], !entry.status.isFinal else { return nil }
            return place.id
        }
    }

    /// Lists jobs, newest first.
    ///
    /// - Complexity: O(jobs passed over).
    func page(
        status: JobStatus?, after cursor: JobCursor?, limit: Int, where isWanted: (Kind.Details) -> Bool
    ) -> JobPage<Kind> {
        let end = cursor.map { cursor in firstPlace { $0 >= cursor.sequence } } ?? places.count
        var jobs: [Job<Kind>] = []
        var last: JobCursor?
        for place in places[..<end].reversed() {
            guard let job = entries[place.id]?.job, status == nil || job.status == status, isWanted(job.details)
            else { continue }
            guard jobs.count < limit else { return JobPage(jobs: jobs, next: last ?? cursor) }
            jobs.append(job)
            last = JobCursor(sequence: place.sequence)
        }
        return JobPage(jobs: jobs, next: nil)
    }

    /// The index of the first place whose sequence satisfies `predicate`, which holds from some place on.
    private func firstPlace(where predicate: (UInt64) -> Bool) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = low + (high - low) / 2
            if predicate(places[middle].sequence) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}

extension JobEntry {
    /// Changes the entry, and counts its job under the status that it has then. This is a function of the entry, since
    /// to read from a dictionary's values is to copy them.
    fileprivate mutating func change<Answer>(
        counting counts: inout JobCounts, _ change: (inout JobEntry) -> Answer
    ) -> Answer {
        let before = status
        let answer = change(&self)
        if status != before {
            counts[before] -= 1
            counts[status] += 1
        }
        return answer
    }

    /// Is mutating so that it borrows the value in its dictionary.
    fileprivate mutating func read<Answer>(_ body: (borrowing JobEntry) -> Answer) -> Answer { body(self) }
}
