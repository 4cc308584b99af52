import ArgumentParser
import Logging
import ScoringService

/// What outlives the process.
extension ServeCommand {
    static func stateDirectory(_ path: String) throws -> StateDirectory {
        do throws(StateError) {
            return try StateDirectory(path: path)
        } catch {
            throw refusal(error)
        }
    }

    static func durableJobs(in directory: StateDirectory, _ logger: Logger) throws -> DurableJobs {
        do throws(StateError) {
            return try DurableJobs(directory, logger: logger)
        } catch {
            throw refusal(error)
        }
    }

    static func restore(_ service: Service) throws {
        do throws(StateError) {
            try service.restore()
        } catch {
            throw refusal(error)
        }
    }

    private static func refusal(_ error: StateError) -> ValidationError {
        switch error {
        case .inUse(let path): ValidationError("Another server uses the state directory \(path).")
        case .newer(let path):
            ValidationError("A later version of segscore has written \(path), which this one cannot read.")
        case .failed(let sentence): ValidationError(sentence)
        }
    }
}
