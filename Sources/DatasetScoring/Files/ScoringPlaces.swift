/// The limits and directories of a scoring: the greatest size of its arrays, and where arrays and results may lie.
package struct ScoringPlaces: Sendable {
    /// The greatest number of pixels, N·H·W.
    let maxPixels: Int
    /// The path of an existing directory, for `pred_probs` that come before `labels`.
    let spoolDirectory: String
    /// The directories whose files may stand for arrays.
    let dataDirectories: DataDirectories
    /// Whether arrays may stay in the memory of clients on this machine, and are read there.
    let readsClients: Bool
    /// How many processors work on one job, at least 1.
    let processors: Int

    package init(
        maxPixels: Int, spoolDirectory: String, dataDirectories: DataDirectories = DataDirectories(),
        readsClients: Bool = false, processors: Int = 1
    ) {
        self.maxPixels = maxPixels
        self.spoolDirectory = spoolDirectory
        self.dataDirectories = dataDirectories
        self.readsClients = readsClients
        self.processors = processors
    }

    /// The same places for work that some processors do together.
    func with(processors: Int) -> ScoringPlaces {
        ScoringPlaces(
            maxPixels: maxPixels, spoolDirectory: spoolDirectory, dataDirectories: dataDirectories,
            readsClients: readsClients, processors: processors)
    }
}
