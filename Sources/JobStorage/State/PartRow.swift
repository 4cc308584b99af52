import DatasetScoring
import GRDB

/// A part of a job in the database.
package struct PartRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "part"

    let job: String
    /// Counts up in order of arrival.
    let number: Int
    package let part: StoredPart
    /// The `Idempotency-Key` of the batch, and what its request is told from others by; earlier versions kept only the
    /// key.
    package let key: String?
    package var fingerprint: RequestFingerprint?

    /// The same part as its job has it, but for its pictures.
    var jobPart: JobPart { JobPart(.stored(part), notes: part.notes ?? InputNotes(), key: key, fingerprint) }
}
