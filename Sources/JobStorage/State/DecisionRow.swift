import DatasetScoring
import Foundation
import GRDB
import Jobs
import Scoring

/// A decision in the database. It names its job by the number that jobs are counted by, since an id is as long as all
/// the rest.
struct DecisionRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "decision"

    let job: Int64
    /// Counts up in order of arrival.
    let number: Int
    /// The kind of the region: the wire's word for its pixels, or the threshold below which they are.
    let kind: String?
    let threshold: Double?
    let image: Int
    let pixel: Int
    let given: Int
    let suggested: Int
    let verdict: Decision.Verdict
    let label: Int?
    let reviewer: String
    let note: String?
    /// Seconds since 2001.
    let decidedAt: TimeInterval

    init(_ decision: Decision, job: UInt64, number: Int) {
        (self.job, self.number) = (Int64(job), number)
        threshold = decision.place.kind.threshold
        kind = threshold == nil ? decision.place.kind.source.rawValue : nil
        (image, pixel) = (decision.place.image, decision.place.firstPixel)
        (given, suggested, verdict) = (decision.given, decision.suggested, decision.verdict)
        (label, reviewer, note) = (decision.label, decision.reviewer, decision.note)
        decidedAt = decision.decidedAt.timeIntervalSinceReferenceDate
    }

    /// The decision.
    ///
    /// - Throws: ``StateError`` if it is about no kind of region that is known.
    func decision() throws(StateError) -> Decision {
        let source = threshold == nil ? kind.flatMap(RegionSource.init) : .issues
        guard let source, let found = RegionKind(source, threshold: threshold) else {
            throw .failed("A decision cannot be read: it is about regions of \(kind ?? "nothing").")
        }
        return Decision(
            Decision.Place(kind: found, image: image, firstPixel: pixel), given: given, suggested: suggested, verdict,
            label: label, reviewer: reviewer, note: note, decidedAt: Date(timeIntervalSinceReferenceDate: decidedAt))
    }
}
