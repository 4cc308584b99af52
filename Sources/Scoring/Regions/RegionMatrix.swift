package import Memory

/// Regions counted by the label that was given and the class that is suggested.
package struct RegionMatrix: Sendable {
    /// The regions of one pair.
    package struct Cell: Equatable, Sendable {
        package let given: Int
        package let suggested: Int
        package fileprivate(set) var regionCount = 0
        package fileprivate(set) var pixelCount = 0
        /// The sum of the regions' masses.
        package fileprivate(set) var mass = 0.0
    }

    /// The memory that a cell takes while it is counted, in bytes.
    package static let bytesOfACell = 160

    /// The pairs that have regions, those of the greatest mass first, then by label and class.
    package let cells: [Cell]

    /// - Parameters:
    ///   - isCounted: Whether a region counts.
    package init(_ regions: Buffer<Region>, where isCounted: (Region) -> Bool) {
        var cells: [UInt32: Cell] = [:]
        let all = regions.span
        for index in all.indices {
            let region = all[index]
            guard isCounted(region) else { continue }
            let pair = UInt32(region.given) << 16 | UInt32(region.suggested)
            var cell = cells[pair] ?? Cell(given: Int(region.given), suggested: Int(region.suggested))
            cell.regionCount += 1
            cell.pixelCount += region.area
            cell.mass += region.mass
            cells[pair] = cell
        }
        self.cells = cells.values.sorted { (-$0.mass, $0.given, $0.suggested) < (-$1.mass, $1.given, $1.suggested) }
    }
}
