/// What regions are ordered by, the greatest first; of equal ones the first by image and first pixel.
package enum RegionOrder: String, CaseIterable, Sendable {
    /// How much the model contradicts the labels.
    case mass
    /// The number of pixels.
    case area
    /// How many pixels deep a region is.
    case thickness
    /// Nothing but images and first pixels.
    case id

    /// Whether a region comes before another.
    package func isAhead(_ first: Region, of second: Region) -> Bool {
        (key(first), first.image, first.firstPixel) < (key(second), second.image, second.firstPixel)
    }

    /// A number that is the lower the earlier a region comes, and equal for those that images and first pixels order.
    func key(_ region: Region) -> UInt64 {
        switch self {
        // Numbers of at least 0 have the order of their bits.
        case .mass: ~region.mass.bitPattern
        case .area: ~UInt64(region.area)
        case .thickness: ~UInt64(region.thickness)
        case .id: 0
        }
    }
}
