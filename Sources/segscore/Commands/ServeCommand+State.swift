import ArgumentParser
import JobStorage
import Logging
import ScoringService

/// The state directory, whose jobs outlive the process.
extension ServeCommand {
    static func stateDirectory(_ path: String) throws -> StateDirectory {
        try refusing { () throws(StateError) in try StateDirectory(path: path) }
    }

    static func durableJobs(in directory: StateDirectory, _ logger: Logger) throws -> DurableJobs {
        try refusing { () throws(StateError) in try DurableJobs(directory, logger: logger) }
    }

    static func restore(_ service: Service) throws {
        try refusing { () throws(StateError) in try service.restore() }
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
