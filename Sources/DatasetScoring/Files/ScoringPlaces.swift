/// How large the arrays of a scoring may be, and the places that they may be in.
package struct ScoringPlaces: Sendable {
    /// The largest N·H·W, the number of pixels.
    let maxPixels: Int
    /// An existing directory for `pred_probs` that come before `labels`.
    let spoolDirectory: String
    /// The directories whose files may stand for arrays.
    let dataDirectories: DataDirectories
    /// How many processors work on one job, at least 1.
    let processors: Int

    package init(
        maxPixels: Int, spoolDirectory: String, dataDirectories: DataDirectories = DataDirectories(),
        processors: Int = 1
    ) {
        self.maxPixels = maxPixels
        self.spoolDirectory = spoolDirectory
        self.dataDirectories = dataDirectories
        self.processors = processors
    }
}
