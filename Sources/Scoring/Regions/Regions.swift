package import Memory
import Synchronization

/// The regions of a data set, in the order of images and of their first pixels.
package struct Regions: Sendable {
    /// All of them.
    package let all: Buffer<Region>

    /// Finds the regions of all images.
    ///
    /// - Parameters:
    ///   - scores: Scores of which the most probable classes and the largest probabilities are known, and the label
    ///     issues if regions are of these.
    ///   - ignoredLabel: A label value whose pixels take no part.
    ///   - firstImage: The number that the regions of the first image have.
    ///   - progress: Called as ``ImageLoop`` says; `false` ends the work.
    /// - Returns: The regions, or nil if `progress` ended the work.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W + R·log R) time for R regions; beside these, memory of a few rows for each lane.
    package init?(
        of kind: RegionKind, in scores: DatasetScores, ignoredLabel: Int64?, from firstImage: Int = 0,
        on loop: ImageLoop = .serial, progress: @Sendable (Int) -> Bool = { _ in true }
    ) throws(ScoringError) {
        let pixels = scores.parts.reduce(0) { $0 + $1.shape.pixelCount } / scores.imageCount
        let lists = Mutex([Int: RegionList]())
        let isComplete = try loop.run(scores.imageCount, pixelsPerImage: pixels, progress: progress) {
            (image, _) throws(ScoringError) in
            let (part, index) = scores.locate(image)
            let list = try RegionFinder(
                kind, in: part, image: firstImage + image, inPart: index, ignoredLabel: ignoredLabel
            ).find()
            guard !list.regions.isEmpty else { return }
            lists.withLock { $0[image] = list }
        }
        guard isComplete else { return nil }
        let found = lists.withLock { $0 }
        all = try allocate(found.values.reduce(0) { $0 + $1.regions.count }, isZeroed: false)
        all.withMutableSpan { all in
            var place = 0
            for (_, list) in found.sorted(by: { $0.key < $1.key }) {
                for region in list.regions {
                    all[place] = region
                    place += 1
                }
            }
        }
    }

    /// The places of the regions in ``all``, in another order.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(R·log R) time, 4 bytes a region, and 24 more meanwhile.
    package func places(by order: RegionOrder) throws(ScoringError) -> Buffer<UInt32> {
        // An array of keys beside places is sorted, whose comparisons look nothing up; what sorts it needs half as much
        // again.
        let sorting = try reserve(all.count * MemoryLayout<(UInt64, UInt32)>.stride * 3 / 2)
        defer { withExtendedLifetime(sorting) {} }
        let regions = all.span
        var sorted: [(key: UInt64, place: UInt32)] = regions.indices.map { (order.key(regions[$0]), UInt32($0)) }
        if order != .id { sorted.sort { ($0.key, $0.place) < ($1.key, $1.place) } }
        let places: Buffer<UInt32> = try allocate(sorted.count, isZeroed: false)
        places.withMutableSpan { span in
            for index in span.indices { span[index] = sorted[index].place }
        }
        return places
    }

    /// The region of an image that begins at a pixel of it; nil if none does.
    package func region(ofImage image: Int, firstPixel: Int) -> Region? {
        let regions = all.span
        var (low, high) = (0, regions.count)
        while low < high {
            let middle = (low + high) / 2
            let region = regions[middle]
            if (Int(region.image), region.firstPixel) < (image, firstPixel) { low = middle + 1 } else { high = middle }
        }
        guard low < regions.count else { return nil }
        let region = regions[low]
        return (Int(region.image), region.firstPixel) == (image, firstPixel) ? region : nil
    }
}
