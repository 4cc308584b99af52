import Dispatch
import GRDB
import Jobs
import Logging
import Synchronization

/// Makes changes to the database, and makes up for those for which the disk had no room.
final class Changes: Sendable {
    typealias Change = @Sendable (Database) throws -> Void

    private let database: JobDatabase
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// Those that wait for room.
        var unsettled: [Item] = []
        var isClosed = false
    }

    private struct Item {
        let job: JobID
        let isLast: Bool
        let change: Change
        let done: @Sendable () -> Void
    }

    init(to database: JobDatabase, _ logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Makes none later from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Makes a change that holds when this returns.
    ///
    /// - Throws: 507 where the disk is full.
    func commit(_ change: (Database) throws -> Void) throws(Problem) {
        do {
            try database.commit(change)
        } catch {
            throw .state(error)
        }
        settle()
    }

    /// Makes a change soon, or when there is room for it. Those of one job are made in the order that they are asked for.
    ///
    /// - Parameters:
    ///   - isLast: Whether nothing of the job is left after it, and so those need not be made that still wait for room.
    ///   - done: Called when it was made, and also when it was tried and has to wait.
    func commitLater(
        _ job: JobID, isLast: Bool = false, _ change: @escaping Change, done: @escaping @Sendable () -> Void = {}
    ) {
        attempt(Item(job: job, isLast: isLast, change: change, done: done), isFirstTime: true)
    }

    private func attempt(_ item: Item, isFirstTime: Bool) {
        guard !state.withLock({ $0.isClosed }) else { return }
        database.commitLater { [self] database in
            try state.withLock { state in
                if item.isLast { state.unsettled.removeAll { $0.job == item.job } }
                guard !state.unsettled.contains(where: { $0.job == item.job }) else { throw Waiting() }
            }
            try item.change(database)
        } ended: { [self] error in
            let isOfFullDisk = (error as? DatabaseError)?.isOfFullDisk ?? false
            if let error, !(error is Waiting), isFirstTime || !isOfFullDisk {
                logger.error("the state directory could not be changed", metadata: ["error": "\(error)"])
            }
            if error is Waiting || isOfFullDisk { postpone(item) }
            if !(error is Waiting) { item.done() }
            if error == nil, isFirstTime { settle() }
        }
    }

    /// An earlier change of the same job was not made yet.
    private struct Waiting: Error {}

    /// Keeps a change for later: until the next that finds room, but for a second at most.
    private func postpone(_ item: Item) {
        let isFirst = state.withLock { state in
            state.unsettled.append(item)
            return state.unsettled.count == 1
        }
        if isFirst { DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in self?.settle() } }
    }

    private func settle() {
        let items = state.withLock { state in
            defer { state.unsettled = [] }
            return state.unsettled
        }
        for item in items { attempt(item, isFirstTime: false) }
    }
}
