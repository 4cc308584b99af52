import Jobs
import Memory
import Scoring
import Synchronization

/// The regions that were asked for lately. They are found anew when they are gone, which takes about as long as the
/// pixels take to be read.
final class RegionCache: Sendable {
    private struct Entry {
        let job: JobID
        let found: FoundRegions
    }

    private static let entryLimit = 32

    /// Those that were asked for last come last.
    private let entries = Mutex<[Entry]>([])

    func find(_ job: JobID, _ kind: RegionKind) -> FoundRegions? {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.job == job && $0.found.kind == kind }) else { return nil }
            let entry = entries.remove(at: index)
            entries.append(entry)
            return entry.found
        }
    }

    /// Keeps regions, unless they are larger than a sixteenth of the memory for arrays, which is all that is kept.
    func add(_ job: JobID, _ found: FoundRegions) {
        let room = ByteBudget.memory.limit / 16
        guard found.byteCount <= room else { return }
        entries.withLock { entries in
            entries.removeAll { $0.job == job && $0.found.kind == found.kind }
            entries.append(Entry(job: job, found: found))
            var byteCount = entries.reduce(0) { $0 + $1.found.byteCount }
            while entries.count > Self.entryLimit || byteCount > room {
                byteCount -= entries.removeFirst().found.byteCount
            }
        }
    }

    func remove(_ job: JobID) {
        entries.withLock { $0.removeAll { $0.job == job } }
    }
}
