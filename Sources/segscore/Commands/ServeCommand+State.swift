import ArgumentParser
import Jobs
import JobStorage
import Logging

/// The state directory, whose jobs outlive the process.
extension ServeCommand {
    static func stateDirectory(_ path: String) throws -> StateDirectory {
        try refusing { () throws(StateError) in try StateDirectory(path: path) }
    }

    /// What keeps the jobs, and those that it has of the process before.
    ///
    /// - Parameters:
    ///   - directory: Where jobs outlive the process; nil if they do not.
    ///   - attemptLimit: How many processes may end while they run a job before it is set aside; 0 for any number.
    static func jobStore(
        in directory: StateDirectory?, attemptLimit: Int, _ logger: Logger
    ) throws -> (any JobStore<ScoreJob>, [RestoredJob<ScoreJob>]) {
        guard let directory else { return (MemoryJobStore<ScoreJob>(), []) }
        return try refusing { () throws(StateError) in
            let store = try SQLiteJobStore(directory, logger: logger)
            return (store, try store.restore(attemptLimit: attemptLimit))
        }
    }

    /// Does something with a state directory, and throws in words what is wrong with it.
    private static func refusing<Value>(_ body: () throws(StateError) -> Value) throws -> Value {
        do throws(StateError) {
            return try body()
        } catch {
            switch error {
            case .inUse(let path): throw ValidationError("Another server uses the state directory \(path).")
            case .foreign(let path, let entry):
                throw ValidationError(
                    """
                    The directory \(path) holds \(entry), which is not segscore's, and was left as it is: --state-dir \
                    takes a directory that is empty, or was a state directory before.
                    """)
            case .newer(let path):
                throw ValidationError(
                    "A later version of segscore has written \(path), which this one cannot read.")
            case .failed(let sentence): throw ValidationError(sentence)
            }
        }
    }
}
