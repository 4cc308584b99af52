import GRDB
package import Jobs
import Synchronization
package import WebService

/// What reviewers decide about the regions of jobs.
extension SQLiteJobStore {
    /// A job without a row, which lives in this process alone, takes its decisions with it.
    package func add(_ remarks: [Decision], after number: Int, to id: JobID) throws(Problem) {
        guard state.withLock({ $0.recorded.contains(id) }), let sequence = job(id)?.sequence else { return }
        try changes.commit { database in
            guard job(id) != nil else { throw Problem.unknownJob(id.description) }
            for (index, decision) in remarks.enumerated() {
                try DecisionRow(decision, job: sequence, number: number + index).insert(database)
            }
        }
    }

    package func remarks(on id: JobID) throws(Problem) -> [Decision] {
        guard state.withLock({ $0.recorded.contains(id) }), let sequence = job(id)?.sequence else { return [] }
        do {
            return try database.decisions(on: sequence).map { try $0.decision() }
        } catch {
            throw .state(error)
        }
    }
}
