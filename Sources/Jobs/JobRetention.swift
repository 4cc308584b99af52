import Foundation

/// Which finished jobs are kept, and which of them with their output: a list in order of finishing, a heap in order of expiry, and a
/// sum.
///
/// It holds ids and sizes only, and answers with the ids whose turn it is to go. There may be very many: nothing but ``overflow`` looks at
/// more than a few of them.
struct JobRetention: Sendable {
    private struct End {
        let id: JobID
        let date: Date
    }

    /// Oldest first; with some that are forgotten, as is all before `firstEnd`.
    private var ends: [End] = []
    private var firstEnd = 0
    /// Those of `ends` that are not forgotten.
    private var finished: Set<JobID> = []
    /// The next to go is on top: the oldest, unless outputs of another process are kept for longer or shorter.
    private var holdings = HoldingHeap()
    /// Those of `holdings` whose output is still kept, with its memory in bytes.
    private var held: [JobID: Int] = [:]
    /// The memory of the outputs that are kept, in bytes.
    private(set) var outputBytes = 0

    /// When the next output goes.
    var nextExpiry: Date? { holdings.top?.expiresAt }

    /// Adds a job that has finished, after those that had before it.
    mutating func add(_ id: JobID, at date: Date) {
        ends.append(End(id: id, date: date))
        finished.insert(id)
    }

    /// Adds the output of a job that was added before. The caller has made room with ``makeRoom(for:within:)``.
    mutating func hold(_ id: JobID, bytes: Int, until expiresAt: Date) {
        holdings.insert(id, expiresAt)
        held[id] = bytes
        outputBytes += bytes
    }

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
        while let top = holdings.top, isDue(outputBytes, top.expiresAt) {
            released.append(top.id)
            release(top.id)
        }
        return released
    }

    /// The jobs that are too many, oldest first. The caller forgets each of them.
    ///
    /// - Parameters:
    ///   - limit: How many are kept.
    ///   - expired: How many of those are kept that finished before a date and have no output.
    func overflow(beyond limit: Int, expired: Int, endedBefore date: Date) -> [JobID] {
        var (ids, count) = ([JobID](), finished.count)
        for end in ends[firstEnd...] where finished.contains(end.id) {
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
        while firstEnd < ends.count, !finished.contains(ends[firstEnd].id) { firstEnd += 1 }
        if ends.count > 2 * finished.count + 64 {
            ends.removeAll { !finished.contains($0.id) }
            firstEnd = 0
        }
    }

    /// Drops what it knows of a job's output, if anything.
    mutating func release(_ id: JobID) {
        guard let bytes = held.removeValue(forKey: id) else { return }
        outputBytes -= bytes
        holdings.settle(heldCount: held.count) { held[$0] != nil }
    }
}

/// Outputs in order of expiry, those of one moment in order of arrival: a binary heap.
private struct HoldingHeap {
    struct Holding {
        let id: JobID
        let expiresAt: Date
        fileprivate let number: UInt64

        fileprivate func goesBefore(_ other: Holding) -> Bool { (expiresAt, number) < (other.expiresAt, other.number) }
    }

    private var items: [Holding] = []
    private var nextNumber: UInt64 = 0

    var top: Holding? { items.first }

    mutating func insert(_ id: JobID, _ expiresAt: Date) {
        items.append(Holding(id: id, expiresAt: expiresAt, number: nextNumber))
        nextNumber += 1
        var index = items.count - 1
        while index > 0, items[index].goesBefore(items[(index - 1) / 2]) {
            items.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Takes off the top what is not held any more. Below it some may stay, but not more than are held.
    mutating func settle(heldCount: Int, where isHeld: (JobID) -> Bool) {
        while let top, !isHeld(top.id) { removeTop() }
        guard items.count > 2 * heldCount + 64 else { return }
        // What is in order is a heap.
        items = items.filter { isHeld($0.id) }.sorted { $0.goesBefore($1) }
    }

    private mutating func removeTop() {
        guard let last = items.popLast(), !items.isEmpty else { return }
        items[0] = last
        var index = 0
        while true {
            let children = (2 * index + 1...2 * index + 2).filter { $0 < items.count }
            guard let least = children.min(by: { items[$0].goesBefore(items[$1]) }),
                items[least].goesBefore(items[index])
            else { return }
            items.swapAt(index, least)
            index = least
        }
    }
}
