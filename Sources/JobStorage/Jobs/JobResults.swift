import Jobs
package import Scoring
package import WebService

/// What a job has made: in memory, or in files, which are opened when somebody asks for what is in them.
package struct JobResults: JobOutput {
    package let byteCount: Int

    /// What decided which pixels are label issues; nil if nobody looked for them.
    package let statistics: LabelIssues.Statistics?

    /// Whether the most probable class of every pixel is known.
    package let hasPredicted: Bool

    private let open: @Sendable () throws(Problem) -> DatasetScores

    package init(_ scores: DatasetScores) {
        byteCount = scores.byteCount
        statistics = scores.statistics
        hasPredicted = scores.hasPredicted
        open = { scores }
    }

    /// Results in files.
    ///
    /// - Parameters:
    ///   - parts: At least one, all of them scored.
    init(
        _ parts: [StoredPart], _ statistics: LabelIssues.Statistics?,
        open: @escaping @Sendable () throws(Problem) -> DatasetScores
    ) {
        byteCount = parts.reduce(0) {
            $0 + SegmentationScores.byteCount($1.contents, hasLabelIssues: statistics != nil)
        }
        self.statistics = statistics
        hasPredicted = parts.allSatisfy(\.contents.hasPredicted)
        self.open = open
    }

    /// The scores. To open them may read files, and so is for workers.
    ///
    /// - Throws: 500 if files are not what was written; the job has failed from then on.
    func opened() throws(Problem) -> DatasetScores { try open() }
}

extension Job<ScoreJob> {
    /// The scores of a job that has succeeded. To open them may read files, and so is for workers.
    ///
    /// - Throws: 409 or 410 if the job has no output; 500 if files are not what was written.
    package func openedOutput() throws(Problem) -> DatasetScores {
        let results: JobResults
        do throws(JobError) {
            results = try requireOutput()
        } catch {
            throw Problem(error)
        }
        return try results.opened()
    }
}
