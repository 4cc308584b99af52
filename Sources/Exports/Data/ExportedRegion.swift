package import Scoring

/// A region that is exported.
package struct ExportedRegion: Sendable {
    /// A text that names the region in its data set.
    package let id: String
    /// The label that was given, and the class that the model suggests.
    package let given: Int
    package let suggested: Int
    /// The class that the region is to have. A region for which it is none takes no part.
    package let label: Int
    /// What a reviewer has said of the region.
    package let verdict: String?
    /// The sum of the pixels' squared margins, and the mean of their scores.
    package let mass: Double
    package let meanOwn: Double
    /// The pixels; the box is within the image, whose first row is row 0.
    package let mask: RegionMask

    package init(
        id: String, given: Int, suggested: Int, label: Int, verdict: String?, mass: Double, meanOwn: Double,
        mask: RegionMask
    ) {
        (self.id, self.given, self.suggested, self.label) = (id, given, suggested, label)
        (self.verdict, self.mass, self.meanOwn, self.mask) = (verdict, mass, meanOwn, mask)
    }
}
