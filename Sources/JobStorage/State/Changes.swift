import Dispatch
import Files
import GRDB
import Jobs
import Logging
import Memory
import Synchronization
import WebService

/// Makes changes to the database, and makes those later for which the disk has no room now.
package final class Changes: Sendable {
    typealias Change = @Sendable (Database) throws -> Void

    private let database: JobDatabase
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// The changes that wait for room.
        var unsettled: [Item] = []
        /// Whether the latest commit has failed.
        var isFailing = false
        /// Whether ``recover()`` is going to be called.
        var isRecovering = false
        var isClosed = false
    }

    private struct Item {
        let job: JobID
        let isLast: Bool
        let change: Change
        let done: @Sendable () -> Void
        /// Why the change waits.
        var error: any Error = Waiting()
    }

    init(to database: JobDatabase, _ logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Makes no change later from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Whether no change can be made at the moment, as far as is known.
    var isFailing: Bool { state.withLock { $0.isFailing || !$0.unsettled.isEmpty } }

    /// Makes a change that holds when this returns. If this throws, the change does not hold for the next process
    /// either.
    ///
    /// - Throws: A problem that `change` throws; 507 if the disk is full.
    func commit(_ change: (Database) throws -> Void) throws(Problem) {
        do {
            try database.commit(change)
        } catch let problem as Problem {
            throw problem
        } catch {
            fail()
            throw .state(error)
        }
        state.withLock { $0.isFailing = false }
        settle()
    }

    /// Returns when all changes of a job that were asked for before hold.
    ///
    /// - Throws: 507 or 500 if they do not.
    func settle(_ job: JobID) throws(Problem) {
        do throws(FileError) {
            try database.sync()
        } catch {
            fail()
            throw .state(error)
        }
        if let item = state.withLock({ $0.unsettled.first { $0.job == job } }) { throw .state(item.error) }
    }

    /// Takes down that no job has brought a process down. If that cannot be written, the next process may count one
    /// attempt too many, which is not grave.
    func forgetAttempts() {
        guard !state.withLock({ $0.isClosed }) else { return }
        database.commitLater {
            try $0.execute(sql: "UPDATE job SET attempts = 0 WHERE attempts > 0")
        } ended: { _ in
        }
    }

    /// A commit has failed: sees to it that nothing of it comes back, and that it is known when commits work again.
    private func fail() {
        do {
            try database.overwrite(isSynced: false)
        } catch {
            logger.error("the state directory cannot be written to", metadata: ["error": "\(error)"])
        }
        let isFirst = state.withLock { state in
            state.isFailing = true
            defer { state.isRecovering = true }
            return !state.isRecovering
        }
        if isFirst { recoverLater() }
    }

    private func recoverLater() {
        DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in self?.recover() }
    }

    /// Tries whether commits work again, and once more in a second if they do not.
    private func recover() {
        guard state.withLock({ $0.isFailing && !$0.isClosed }) else {
            return state.withLock { $0.isRecovering = false }
        }
        do {
            try database.overwrite(isSynced: true)
        } catch {
            _ = try? database.overwrite(isSynced: false)
            return recoverLater()
        }
        state.withLock { ($0.isFailing, $0.isRecovering) = (false, false) }
        settle()
    }

    /// Makes a change soon, or when there is room for it. The changes of one job are made in the order in which they
    /// were asked for.
    ///
    /// - Parameters:
    ///   - isLast: Whether nothing of the job is left after this change. Then changes of the job that still wait for
    ///     room need not be made.
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
            let mayBeMadeLater = error is Waiting || (error as? DatabaseError)?.isOfTheMoment ?? false
            if let error, !(error is Waiting), isFirstTime || !mayBeMadeLater {
                logger.error("the state directory could not be changed", metadata: ["error": "\(error)"])
            }
            if let error, mayBeMadeLater { postpone(item, error) }
            if !(error is Waiting) { item.done() }
            if error == nil, isFirstTime { settle() }
        }
    }

    /// An earlier change of the same job was not made yet.
    private struct Waiting: Error {}

    /// Keeps a change for later: until the next that finds room, but for a second at most.
    private func postpone(_ item: Item, _ error: any Error) {
        var item = item
        item.error = error
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
