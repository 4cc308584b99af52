package import Memory

/// The label issues that confident learning has found.
package struct LabelIssues: Sendable {
    /// `(N, H, W)`, one byte a pixel, 1 at a label issue: NumPy's bool.
    package let mask: Buffer<UInt8>

    /// `(N,)`: the number of label issues of each image.
    package let counts: Buffer<Int>

    package let statistics: Statistics

    /// The numbers that decided which pixels are label issues.
    package struct Statistics: Codable, Equatable, Sendable {
        /// The extent of the blocks that were looked at, in pixels; 1 if pixels themselves were.
        package let downsample: Int

        /// How many pixels or blocks took part.
        package let cellCount: Int

        package let thresholds: ConfidentThresholds

        /// n: how many pixels or blocks are confidently predicted as another class than their label.
        package let issueCount: Int

        /// The score of the last candidate; nil if n is 0.
        package let cut: Cut?
    }
}
