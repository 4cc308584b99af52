import Foundation

/// Where a queue keeps its jobs: by id, in order of creation, and counted by status. Decides nothing.
struct JobTable<Kind: JobKind>: Sendable {
    private struct Place {
        let sequence: UInt64
        let id: JobID
    }

    private var records: [JobID: JobRecord<Kind>] = [:]
    /// Oldest first; with some of jobs that are gone.
    private var places: [Place] = []
    private var nextSequence: UInt64 = 1
    private(set) var counts = JobCounts()

    /// Adds a job and names it.
    mutating func insert(_ lifecycle: JobLifecycle, details: Kind.Details) -> JobID {
        let id = JobID()
        insert(JobRecord<Kind>(id: id, sequence: nextSequence, lifecycle: lifecycle, details: details))
        return id
    }

    /// Adds a job.
    ///
    /// - Parameters:
    ///   - record: Of an id that is not there, and created after all that are.
    mutating func insert(_ record: JobRecord<Kind>) {
        precondition(records[record.id] == nil && record.sequence >= nextSequence)
        places.append(Place(sequence: record.sequence, id: record.id))
        nextSequence = record.sequence + 1
        records[record.id] = record
        counts[record.status] += 1
    }

    subscript(id: JobID) -> JobRecord<Kind>? { records[id] }

    /// Changes a job in place, and keeps the counts right.
    ///
    /// - Returns: What `change` returns; nil where there is no such job.
    mutating func modify<Answer>(_ id: JobID, _ change: (inout JobRecord<Kind>) -> Answer) -> Answer? {
        guard let index = records.index(forKey: id) else { return nil }
        let before = records.values[index].status
        let answer = change(&records.values[index])
        let after = records.values[index].status
        if after != before {
            counts[before] -= 1
            counts[after] += 1
        }
        return answer
    }

    /// Forgets a job.
    mutating func remove(_ id: JobID) -> JobRecord<Kind>? {
        guard let record = records.removeValue(forKey: id) else { return nil }
        // Not one by one, since there may be very many.
        if places.count > 2 * records.count + 64 { places.removeAll { records[$0.id] == nil } }
        counts[record.status] -= 1
        return record
    }

    /// The jobs that have not ended, oldest first.
    var live: [JobID] {
        places.compactMap { place in
            guard let record = records[place.id], !record.status.isFinal else { return nil }
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
            guard let record = records[place.id], status == nil || record.status == status, isWanted(record.details)
            else { continue }
            guard jobs.count < limit else { return JobPage(jobs: jobs, next: last ?? cursor) }
            jobs.append(record.snapshot)
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
