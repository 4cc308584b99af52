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

    func precedes(_ first: Region, _ second: Region) -> Bool? {
        switch self {
        case .mass: first.mass == second.mass ? nil : first.mass > second.mass
        case .area: first.area == second.area ? nil : first.area > second.area
        case .thickness: first.thickness == second.thickness ? nil : first.thickness > second.thickness
        case .id: nil
        }
    }
}
