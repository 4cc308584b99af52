import Memory

/// A list of regions that grows, in memory that is counted.
struct RegionList {
    private(set) var regions: [Region] = []

    /// How many regions there is memory for, and the memory.
    private var room = 0
    private var reservation: ByteReservation?

    /// - Throws: ``ScoringError/memory(_:)``.
    mutating func append(_ region: Region) throws(ScoringError) {
        if regions.count == room {
            room = max(2 * room, 16)
            reservation = try reserve(room * MemoryLayout<Region>.stride)
            regions.reserveCapacity(room)
        }
        regions.append(region)
    }

    /// Brings the regions into the order of their first pixels.
    mutating func sort() {
        regions.sort { $0.firstPixel < $1.firstPixel }
    }
}
