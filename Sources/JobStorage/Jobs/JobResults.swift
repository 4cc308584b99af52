package import DatasetScoring
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

    /// The pictures of the images of each part; empty if no image came with one.
    package let pictures: [KeptPictures?]

    private let open: @Sendable () throws(Problem) -> DatasetScores

    /// Results in memory.
    ///
    /// - Parameter pictures: The pictures of the images of each part.
    package init(_ scores: DatasetScores, pictures: [KeptPictures?] = []) {
        self.pictures = pictures.contains { $0 != nil } ? pictures : []
        byteCount = scores.byteCount + Self.byteCount(pictures)
        statistics = scores.statistics
        hasPredicted = scores.hasPredicted
        hasRegions = scores.hasRegions
        reduced = nil
        open = { scores }
    }

    /// Pixels that go to the client who waits for them and are not kept, for which they are larger than any room.
    package init(reduced pixels: ScoredPixels) {
        byteCount = .max
        pictures = []
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
    ///   - pictures: The pictures of the images of each part.
    init(
        _ parts: [StoredPart], pictures: [KeptPictures?], _ statistics: LabelIssues.Statistics?,
        open: @escaping @Sendable () throws(Problem) -> DatasetScores
    ) {
        self.pictures = pictures.contains { $0 != nil } ? pictures : []
        byteCount = parts.reduce(Self.byteCount(pictures)) {
            $0 + SegmentationScores.byteCount($1.contents, hasLabelIssues: statistics != nil)
        }
        self.statistics = statistics
        hasPredicted = parts.allSatisfy(\.contents.hasPredicted)
        hasRegions = parts.allSatisfy { $0.contents.hasPredicted && $0.contents.hasLargest }
        reduced = nil
        self.open = open
    }

    private static func byteCount(_ pictures: [KeptPictures?]) -> Int {
        pictures.reduce(0) { $0 + ($1?.byteCount ?? 0) }
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
