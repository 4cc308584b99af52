import Scoring

/// The images of one body, as a job has them in the state directory.
struct StoredPart: Codable, Equatable, Sendable {
    /// Names the part's files among those of its job.
    let file: Int

    /// What the file of the pixels holds.
    var contents: StoredPixels

    /// Whether there is a file of scores too.
    var isScored: Bool
}
