import Jobs
import Scoring

/// The results in files that were asked for lately, which are kept open so that they need not be opened for each
/// request. There is a limit, since each part takes two mappings, of which a process may have some ten thousand.
struct OpenedResults {
    private static let partLimit = 4096

    /// The results that were asked for last come last.
    private var entries: [(job: JobID, parts: [StoredPart], scores: DatasetScores)] = []

    var all: [(job: JobID, parts: [StoredPart])] { entries.map { ($0.job, $0.parts) } }

    mutating func find(_ job: JobID) -> DatasetScores? {
        guard let index = entries.firstIndex(where: { $0.job == job }) else { return nil }
        let entry = entries.remove(at: index)
        entries.append(entry)
        return entry.scores
    }

    mutating func add(_ job: JobID, _ parts: [StoredPart], _ scores: DatasetScores) {
        remove(job)
        entries.append((job, parts, scores))
        var count = entries.reduce(0) { $0 + $1.parts.count }
        while count > Self.partLimit || entries.count > 64 { count -= entries.removeFirst().parts.count }
    }

    mutating func remove(_ job: JobID) {
        entries.removeAll { $0.job == job }
    }
}
