import Files
import GRDB
package import Jobs
import Memory
import Scoring
package import WebService

/// The work of jobs whose parts are in files.
extension SQLiteJobStore {
    /// - Throws: What `body` throws; 500 if files are not what was written, 503 if memory is short.
    package func attempt<Answer>(
        _ id: JobID, on parts: [JobPart], _ body: ([JobPart]) throws(Problem) -> Answer
    ) throws(Problem) -> Answer {
        let stored = parts.compactMap(\.stored)
        if !stored.isEmpty { countAttempt(id) }
        let loaded = try parts.map { (part) throws(Problem) in try load(part, of: id) }
        let faults = MappedFile.faultCount
        let answer = try body(loaded)
        // Some mapped file became shorter meanwhile, or could not be read: perhaps one of this job.
        if MappedFile.faultCount != faults { try prove(stored, of: id) }
        return answer
    }

    /// A part as this process reads it, proved to be what was written.
    private func load(_ part: JobPart, of job: JobID) throws(Problem) -> JobPart {
        guard let stored = part.stored else { return part }
        try prove([stored], of: job)
        var loaded = part
        do throws(FileError) {
            loaded.images = try read(stored, of: job)
        } catch {
            throw .reading(error)
        }
        return loaded
    }

    /// Takes down that a job begins to run, so that the next process knows if this one does not live to see its end.
    func countAttempt(_ id: JobID) {
        changes.commitLater(id) { try Self.count(1, of: id, $0) }
        // It has to outlive the process, for which it is enough that it is written, and need not outlive the machine.
        database.awaitWrites()
    }

    package func takeBackAttempt(_ id: JobID) {
        changes.commitLater(id) { try Self.count(-1, of: id, $0) }
    }

    private static func count(_ change: Int, of id: JobID, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE job SET attempts = max(attempts + ?, 0) WHERE id = ?", arguments: [change, id.description])
    }
}
