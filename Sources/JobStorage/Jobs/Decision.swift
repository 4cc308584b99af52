package import Foundation
package import Scoring

/// What a reviewer has decided about a region.
package struct Decision: Equatable, Sendable {
    /// What may be decided. The raw values are the wire's.
    package enum Verdict: String, CaseIterable, Codable, Sendable {
        /// The given label is wrong; ``Decision/label`` is right.
        case wrong
        /// The given label is right.
        case fine
        case unsure
        /// The reviewer takes an earlier decision back.
        case withdrawn
    }

    /// Where a region is among those of a job.
    package struct Place: Hashable, Sendable {
        /// Of which pixels the region is made.
        package let kind: RegionKind
        /// The index of the image.
        package let image: Int
        /// The index in the image of the region's first pixel.
        package let firstPixel: Int

        package init(kind: RegionKind, image: Int, firstPixel: Int) {
            (self.kind, self.image, self.firstPixel) = (kind, image, firstPixel)
        }
    }

    package let place: Place
    /// The label that the region was given, and the class that the model suggests.
    package let given: Int
    package let suggested: Int
    package let verdict: Verdict
    /// The class that the region is to have; nil unless it is ``Verdict/wrong``.
    package let label: Int?
    /// Who has decided, in the words of the request; empty if it has not said.
    package let reviewer: String
    package let note: String?
    package let decidedAt: Date

    package init(
        _ place: Place, given: Int, suggested: Int, _ verdict: Verdict, label: Int?, reviewer: String, note: String?,
        decidedAt: Date
    ) {
        (self.place, self.given, self.suggested) = (place, given, suggested)
        (self.verdict, self.label, self.reviewer, self.note) = (verdict, label, reviewer, note)
        self.decidedAt = decidedAt
    }
}
