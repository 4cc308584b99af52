import Foundation

/// Which finished jobs are kept, and which of them with their output: a list in order of finishing, one in order of expiry, and a
/// sum.
///
/// It holds ids and sizes only, and answers with the ids whose turn it is to go.
struct JobRetention: Sendable {
    private struct Holding {
        let id: JobID
        let bytes: Int
        let expiresAt: Date
    }

    /// Oldest first.
    private var finished: [JobID] = []
    /// Those of `finished` whose output is kept, the next to go first. That is the oldest, unless outputs of another process are kept
    /// for longer or shorter.
    private var holdings: [Holding] = []
    /// The memory of the outputs that are kept, in bytes.
    private(set) var outputBytes = 0

    /// When the next output goes.
    var nextExpiry: Date? { holdings.first?.expiresAt }

    /// Adds a job that has just finished.
    mutating func add(_ id: JobID) {
        finished.append(id)
    }

    /// Adds the output of a job that was added before. The caller has made room with ``makeRoom(for:within:)``.
    mutating func hold(_ id: JobID, bytes: Int, until expiresAt: Date) {
        let place = holdings.lastIndex { $0.expiresAt <= expiresAt }.map { $0 + 1 } ?? 0
        holdings.insert(Holding(id: id, bytes: bytes, expiresAt: expiresAt), at: place)
        outputBytes += bytes
    }

    /// Lets go of outputs, in order of expiry, until `bytes` more fit.
    ///
    /// - Parameter bytes: At most `budget`.
    mutating func makeRoom(for bytes: Int, within budget: Int) -> [JobID] {
        // A difference, since the sum might overflow.
        release { outputBytes, _ in outputBytes > budget - bytes }
    }

    /// Lets go of the outputs whose time is over.
    mutating func expire(at now: Date) -> [JobID] {
        release { _, expiresAt in expiresAt <= now }
    }

    private mutating func release(while isDue: (_ outputBytes: Int, _ expiresAt: Date) -> Bool) -> [JobID] {
        var released = 0
        for holding in holdings {
            guard isDue(outputBytes, holding.expiresAt) else { break }
            outputBytes -= holding.bytes
            released += 1
        }
        // Every access comes by here, and nearly always there is nothing to release.
        guard released > 0 else { return [] }
        let ids = holdings.prefix(released).map(\.id)
        holdings.removeFirst(released)
        return ids
    }

    /// The jobs over `limit`, oldest first. The caller forgets each of them.
    func overflow(beyond limit: Int) -> [JobID] {
        Array(finished.prefix(max(finished.count - limit, 0)))
    }

    /// Drops what it knows of a job, if anything.
    mutating func forget(_ id: JobID) {
        if let index = finished.firstIndex(of: id) {
            finished.remove(at: index)
        }
        if let index = holdings.firstIndex(where: { $0.id == id }) {
            outputBytes -= holdings.remove(at: index).bytes
        }
    }
}
