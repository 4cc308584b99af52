import DatasetScoring
import Foundation
import GRDB
import Jobs
import Scoring
import WebService

/// A job in the database: the record of it, and what only the state directory knows.
///
/// Each member of the record has a column, and a value of several members stands in it as JSON. Dates are seconds since
/// 2001.
package struct JobRow: FetchableRecord, PersistableRecord {
    static let databaseTableName = "job"

    /// Its failure may be why it has failed, or why it will fail when it is its turn. It has no output; ``hasOutput``
    /// says whether there is one in files.
    var job: Job<ScoreJob>
    /// What decided which pixels are label issues.
    var statistics: LabelIssues.Statistics?
    /// Whether the scores of its parts are kept.
    var hasOutput = false
    /// How often the job was run without the process living to see its end.
    package var attempts = 0

    init(_ job: Job<ScoreJob>) {
        self.job = job
        guard case .available(let scores) = job.output else { return }
        statistics = scores.statistics
    }

    var id: String { job.id.description }
}

extension JobRow: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, sequence, status, parameters, shape, notes, names, owner
        case createdAt, queuedAt, startedAt, finishedAt, expiresAt, imagesDone, imagesTotal, failure
        case statistics, hasOutput, key, fingerprint, attempts
    }

    /// - Throws: ``StateError`` if no such job can be, `DecodingError` if a column holds something else.
    package init(from decoder: any Decoder) throws {
        let columns = try decoder.container(keyedBy: CodingKeys.self)
        func date(_ column: CodingKeys) throws -> Date? {
            let seconds = try columns.decodeIfPresent(TimeInterval.self, forKey: column)
            return seconds.map(Date.init(timeIntervalSinceReferenceDate:))
        }
        let name = try columns.decode(String.self, forKey: .id)
        guard let id = JobID(name),
            let sequence = UInt64(exactly: try columns.decode(Int64.self, forKey: .sequence)),
            let status = JobStatus(rawValue: try columns.decode(String.self, forKey: .status))
        else { throw StateError.failed("The job \(name) cannot be read: no such job can be.") }
        let createdAt = try columns.decode(TimeInterval.self, forKey: .createdAt)
        job = Job(
            id: id, sequence: sequence,
            lifecycle: JobLifecycle(
                status, createdAt: Date(timeIntervalSinceReferenceDate: createdAt), queuedAt: try date(.queuedAt),
                startedAt: try date(.startedAt), finishedAt: try date(.finishedAt)),
            details: ScoreJob.Details(
                parameters: try Self.parameters(try columns.decode([String: String].self, forKey: .parameters), of: id),
                shape: try columns.decodeIfPresent(ScoreJob.Shape.self, forKey: .shape),
                owner: try columns.decodeIfPresent(String.self, forKey: .owner).map(JobOwner.init(text:)),
                notes: try columns.decodeIfPresent(InputNotes.self, forKey: .notes) ?? InputNotes(),
                folderNames: try columns.decodeIfPresent([String].self, forKey: .names).map(NameList.init)))
        job.progress.imagesDone = try columns.decode(Int.self, forKey: .imagesDone)
        job.progress.imagesTotal = try columns.decodeIfPresent(Int.self, forKey: .imagesTotal)
        job.expiresAt = try date(.expiresAt)
        job.failure = try columns.decodeIfPresent(StoredProblem.self, forKey: .failure)?.problem
        // It has an output only if its files are there, which is found when they are read.
        if status == .succeeded { job.output = .expired }
        statistics = try columns.decodeIfPresent(LabelIssues.Statistics.self, forKey: .statistics)
        hasOutput = try columns.decode(Bool.self, forKey: .hasOutput)
        if let key = try columns.decodeIfPresent(String.self, forKey: .key),
            let fingerprint = try columns.decodeIfPresent(RequestFingerprint.self, forKey: .fingerprint)
        {
            job.key = RequestKey(owner: job.details.owner, name: key)
            job.fingerprint = fingerprint
        }
        attempts = try columns.decode(Int.self, forKey: .attempts)
    }

    private static func parameters(_ values: [String: String], of job: JobID) throws -> ScoreParameters {
        do throws(Problem) {
            return try ScoreParameters(Parameters(scoring: values))
        } catch {
            throw StateError.failed("The job \(job) cannot be read: \(error.detail)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var columns = encoder.container(keyedBy: CodingKeys.self)
        func encode(_ date: Date?, _ column: CodingKeys) throws {
            try columns.encodeIfPresent(date?.timeIntervalSinceReferenceDate, forKey: column)
        }
        try columns.encode(id, forKey: .id)
        try columns.encode(Int64(job.sequence), forKey: .sequence)
        try columns.encode(job.status.rawValue, forKey: .status)
        try columns.encode(job.details.parameters.values, forKey: .parameters)
        try columns.encodeIfPresent(job.details.shape, forKey: .shape)
        let notes = job.details.notes
        try columns.encodeIfPresent(notes == InputNotes() ? nil : notes, forKey: .notes)
        try columns.encodeIfPresent(job.details.folderNames?.all, forKey: .names)
        try columns.encodeIfPresent(job.details.owner?.text, forKey: .owner)
        try encode(job.createdAt, .createdAt)
        try encode(job.queuedAt, .queuedAt)
        try encode(job.startedAt, .startedAt)
        try encode(job.finishedAt, .finishedAt)
        try encode(job.expiresAt, .expiresAt)
        try columns.encode(job.progress.imagesDone, forKey: .imagesDone)
        try columns.encodeIfPresent(job.progress.imagesTotal, forKey: .imagesTotal)
        try columns.encodeIfPresent(job.failure.map(StoredProblem.init), forKey: .failure)
        try columns.encodeIfPresent(statistics, forKey: .statistics)
        try columns.encode(hasOutput, forKey: .hasOutput)
        // A key whose request is not there as a whole is not for the next process.
        let fingerprint = job.key == nil ? nil : job.fingerprint
        try columns.encodeIfPresent(fingerprint == nil ? nil : job.key?.name, forKey: .key)
        try columns.encodeIfPresent(fingerprint, forKey: .fingerprint)
        try columns.encode(attempts, forKey: .attempts)
    }
}

extension JobRow {
    /// Writes the row over that of the job, if the database has one.
    ///
    /// - Parameters:
    ///   - isWanted: Whether to do so, in view of the row that is there.
    func replace(_ database: Database, where isWanted: (JobRow) -> Bool = { _ in true }) throws {
        guard let earlier = try JobRow.fetchOne(database, key: id), isWanted(earlier) else { return }
        var row = self
        // A request that was accepted is known by its key, also if the job has ended before the queue was told so.
        if earlier.job.fingerprint != nil {
            (row.job.key, row.job.fingerprint) = (earlier.job.key, earlier.job.fingerprint)
        }
        try row.update(database)
    }
}
