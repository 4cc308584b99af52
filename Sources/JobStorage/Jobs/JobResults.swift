import Jobs
package import Scoring
package import WebService

/// What a job has made: in memory, or in files, which are opened when somebody asks for what is in them.
///
/// A job that only reduces probabilities has made pixels and no scores.
package struct JobResults: JobOutput {
    package let byteCount: Int

    /// What decided which pixels are label issues; nil if nobody looked for them.
    package let statistics: LabelIssues.Statistics?

    /// Whether the most probable class of every pixel is known.
    package let hasPredicted: Bool

    /// Whether there are regions; see ``DatasetScores/hasRegions``.
    package let hasRegions: Bool

    /// The pixels of a job that only reduces probabilities.
    package let reduced: ScoredPixels?

    private let open: @Sendable () throws(Problem) -> DatasetScores

    package init(_ scores: DatasetScores) {
        byteCount = scores.byteCount
        statistics = scores.statistics
        hasPredicted = scores.hasPredicted
        hasRegions = scores.hasRegions
        reduced = nil
        open = { scores }
    }

    /// Pixels that go to the client who waits for them and are not kept, for which they are larger than any room.
    package init(reduced pixels: ScoredPixels) {
        byteCount = .max
        statistics = nil
        hasPredicted = false
        hasRegions = false
        reduced = pixels
        open = { () throws(Problem) in
            throw Problem(.resultExpired, "The job has reduced probabilities, and keeps no scores.")
        }
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
        hasRegions = parts.allSatisfy { $0.contents.hasPredicted && $0.contents.hasLargest }
        reduced = nil
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
    package func openedOutput() throws(Problem) -> DatasetScores { try results().opened() }

    /// What a job that has succeeded has made.
    ///
    /// - Throws: 409 or 410 if the job has no output.
    package func results() throws(Problem) -> JobResults {
        do throws(JobError) {
            return try requireOutput()
        } catch {
            throw Problem(error)
        }
    }
}
