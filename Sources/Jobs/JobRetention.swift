import DequeModule
import Foundation
import HeapModule

/// Which finished jobs are kept, and which of them with their output: a list in order of finishing, a heap in order of
/// expiry, and a sum.
///
/// It holds ids and sizes only, and answers with the ids whose turn it is to go. There may be very many: nothing but
/// ``overflow`` looks at more than a few of them.
struct JobRetention: Sendable {
    private struct End {
        let id: JobID
        let date: Date
    }

    /// An output that is kept until a date, or, in the distant future, until somebody says otherwise. Outputs of one
    /// date go in the order in which they came.
    private struct Holding: Comparable {
        let id: JobID
        let expiresAt: Date
        let number: UInt64
        /// Its memory in bytes.
        let bytes: Int

        static func < (first: Self, second: Self) -> Bool {
            (first.expiresAt, first.number) < (second.expiresAt, second.number)
        }
    }

    /// Oldest first. The first is not forgotten; some of those behind it may be.
    private var ends: Deque<End> = []
    /// The jobs in `ends` that are not forgotten.
    private var finished: Set<JobID> = []
    /// The least is the next to go, and is still kept: the oldest, unless outputs of another process have another time
    /// to live. Of the others some may be gone, but hardly more than are kept.
    private var holdings = Heap<Holding>()
    private var nextNumber: UInt64 = 0
    /// The jobs whose output is still kept, each with the one of `holdings` that holds.
    private var held: [JobID: Holding] = [:]
    /// How many outputs stay until somebody says otherwise.
    private var keptCount = 0
    /// The memory of the outputs that are kept, in bytes.
    private(set) var outputBytes = 0

    /// When the next output goes.
    var nextExpiry: Date? { holdings.min?.expiresAt }

    /// Adds a job that has finished, after all that finished before it.
    mutating func add(_ id: JobID, at date: Date) {
        ends.append(End(id: id, date: date))
        finished.insert(id)
    }

    /// Adds the output of a job that was added before. The caller has made room with ``makeRoom(for:within:)``.
    ///
    /// - Parameters:
    ///   - expiresAt: Nil for an output that somebody keeps: it goes when there is no room, after all others.
    mutating func hold(_ id: JobID, bytes: Int, until expiresAt: Date?) {
        let holding = Holding(id: id, expiresAt: expiresAt ?? .distantFuture, number: nextNumber, bytes: bytes)
        holdings.insert(holding)
        nextNumber += 1
        held[id] = holding
        outputBytes += bytes
        if expiresAt == nil { keptCount += 1 }
    }

    /// Changes until when an output is kept, if it still is.
    mutating func prolong(_ id: JobID, until expiresAt: Date?) {
        guard let bytes = held[id]?.bytes else { return }
        release(id)
        hold(id, bytes: bytes, until: expiresAt)
    }

    /// Whether an output stays until somebody says otherwise.
    private func isKept(_ id: JobID) -> Bool { held[id]?.expiresAt == .distantFuture }

    /// Lets go of outputs, in order of expiry, until `bytes` more fit.
    ///
    /// - Parameter bytes: At most `budget`.
    mutating func makeRoom(for bytes: Int, within budget: Int) -> [JobID] {
        // A difference, since the sum might overflow.
        releaseInTurn { outputBytes, _ in outputBytes > budget - bytes }
    }

    /// Lets go of the outputs whose time is over.
    mutating func expire(at now: Date) -> [JobID] {
        releaseInTurn { _, expiresAt in expiresAt <= now }
    }

    private mutating func releaseInTurn(while isDue: (_ outputBytes: Int, _ expiresAt: Date) -> Bool) -> [JobID] {
        var released: [JobID] = []
        while let next = holdings.min, isDue(outputBytes, next.expiresAt) {
            released.append(next.id)
            release(next.id)
        }
        return released
    }

    /// The jobs that are too many, oldest first. The caller forgets each of them.
    ///
    /// - Parameters:
    ///   - limit: How many are kept.
    ///   - expired: How many jobs are kept that finished before `date` and have no output.
    func overflow(beyond limit: Int, expired: Int, endedBefore date: Date) -> [JobID] {
        // Of the jobs that somebody keeps there may be too many by themselves. One place is for the job that has just ended.
        let excess = max(keptCount - max(limit - 1, 0), 0)
        var ids: [JobID] = excess == 0 ? [] : Array(ends.lazy.map(\.id).filter(isKept).prefix(excess))
        var count = finished.count - ids.count
        for end in ends where finished.contains(end.id) && !isKept(end.id) {
            let isOld = end.date <= date && held[end.id] == nil
            guard count > limit || (count > expired && isOld) else { break }
            ids.append(end.id)
            count -= 1
        }
        return ids
    }

    /// Drops what it knows of a job, if anything.
    mutating func forget(_ id: JobID) {
        release(id)
        guard finished.remove(id) != nil else { return }
        while let first = ends.first, !finished.contains(first.id) { ends.removeFirst() }
        if ends.count > 2 * finished.count + 64 { ends.removeAll { !finished.contains($0.id) } }
    }

    /// Drops what it knows of a job's output, if anything.
    mutating func release(_ id: JobID) {
        guard let holding = held.removeValue(forKey: id) else { return }
        outputBytes -= holding.bytes
        if holding.expiresAt == .distantFuture { keptCount -= 1 }
        while let next = holdings.min, !isHeld(next) { holdings.removeMin() }
        if holdings.count > 2 * held.count + 64 { holdings = Heap(holdings.unordered.filter(isHeld)) }
    }

    /// Whether a holding is not gone, nor replaced by another of the same job.
    private func isHeld(_ holding: Holding) -> Bool { held[holding.id]?.number == holding.number }
}
