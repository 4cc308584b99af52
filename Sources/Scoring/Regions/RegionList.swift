import Memory

/// A list of regions that grows, in memory that is counted.
struct RegionList {
    private var room: Buffer<Region>?
    private(set) var count = 0

    /// - Throws: ``ScoringError/memory(_:)``.
    mutating func append(_ region: Region) throws(ScoringError) {
        if count == room?.count ?? 0 {
            let larger: Buffer<Region> = try allocate(max(2 * count, 16), isZeroed: false)
            copy(into: larger, at: 0)
            room = larger
        }
        let place = count
        room?.withMutableSpan { $0[place] = region }
        count += 1
    }

    /// Brings the regions into the order of their first pixels.
    func sort() {
        room?.sort(count) { $0.firstPixel < $1.firstPixel }
    }

    /// Copies the regions to a place of a buffer.
    func copy(into all: Buffer<Region>, at place: Int) {
        guard let room else { return }
        let span = room.span
        all.withMutableSpan { all in
            for index in 0..<count { all[place + index] = span[index] }
        }
    }
}
