import DatasetScoring
import Foundation
import GRDB
import HTTPTypes
import Jobs
import Scoring
import WebService

/// A job in the database. What is a value of several members stands there as JSON.
package struct JobRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "job"

    let id: String
    let sequence: Int64
    var status: String
    let parameters: [String: String]
    var shape: ScoreJob.Shape?
    /// Nil where there are none.
    var notes: InputNotes?
    /// Seconds since 2001, like all dates.
    let createdAt: TimeInterval
    var imagesDone: Int
    var imagesTotal: Int?
    var queuedAt: TimeInterval?
    var startedAt: TimeInterval?
    var finishedAt: TimeInterval?
    var expiresAt: TimeInterval?
    /// Why the job has failed, or will when it is its turn.
    var failure: StoredProblem?
    /// What decided which pixels are label issues.
    var statistics: LabelIssues.Statistics?
    /// Whether the scores of its parts are kept.
    var hasOutput = false
    /// The `Idempotency-Key` of a request that made the job, and what it is told from others by.
    var key: String?
    var fingerprint: RequestFingerprint?
    /// Whose it is; nil where it was made by who needed no key.
    var owner: String?

    /// How often the job was run without the process living to see its end.
    package var attempts = 0

    init(_ job: Job<ScoreJob>) {
        id = job.id.description
        sequence = Int64(job.sequence)
        status = job.status.rawValue
        parameters = job.details.parameters.values
        shape = job.details.shape
        owner = job.details.owner?.text
        notes = job.details.notes == InputNotes() ? nil : job.details.notes
        createdAt = job.createdAt.timeIntervalSinceReferenceDate
        (imagesDone, imagesTotal) = (job.progress.imagesDone, job.progress.imagesTotal)
        queuedAt = job.queuedAt?.timeIntervalSinceReferenceDate
        startedAt = job.startedAt?.timeIntervalSinceReferenceDate
        finishedAt = job.finishedAt?.timeIntervalSinceReferenceDate
        expiresAt = job.expiresAt?.timeIntervalSinceReferenceDate
        failure = job.failure.map(StoredProblem.init)
        guard case .available(let scores) = job.output else { return }
        statistics = scores.statistics
    }
}

extension JobRow {
    /// The same row with the key that the database has of the job, if it has one.
    func keepingKey(_ database: Database) throws -> JobRow {
        guard let earlier = try JobRow.fetchOne(database, key: id), earlier.key != nil else { return self }
        var row = self
        (row.key, row.fingerprint) = (earlier.key, earlier.fingerprint)
        return row
    }

    /// Writes the row over that of the job, if the database has one.
    ///
    /// - Parameters:
    ///   - isWanted: Whether to, in view of the one that is there.
    func replace(_ database: Database, where isWanted: (JobRow) -> Bool = { _ in true }) throws {
        guard let earlier = try JobRow.fetchOne(database, key: id), isWanted(earlier) else { return }
        try keepingKey(database).update(database)
    }
}

/// A part of a job in the database.
package struct PartRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "part"

    let job: String
    /// Counts up in order of arrival.
    let number: Int
    package let part: StoredPart
    /// The `Idempotency-Key` of the batch, and what its request is told from others by; earlier versions kept only the key.
    package let key: String?
    package var fingerprint: RequestFingerprint?
}

/// A problem in the database, without the fields of its answer.
struct StoredProblem: Codable {
    /// Earlier versions of the program read it back; this one knows it from the type.
    private let status: Int
    private let slug: String
    private let detail: String
    private let parameter: String?
    private let expected: String?
    private let actual: String?
    private let limit: Int?

    init(_ problem: Problem) {
        (status, slug, detail) = (problem.status.code, problem.type.rawValue, problem.detail)
        (parameter, expected, actual) = (problem.parameter, problem.expected, problem.actual)
        limit = problem.limit
    }

    var problem: Problem {
        Problem(
            ProblemType(rawValue: slug) ?? .internalError, detail, parameter: parameter, expected: expected,
            actual: actual, limit: limit)
    }
}
