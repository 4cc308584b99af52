import Memory

/// The scores of all images of a data set, which came in one part or in several. Images are counted over all parts.
package struct DatasetScores: Sendable {
    /// At least one part, all of as many classes and of scores of one type. Each part has a size of images of its own.
    package let parts: [SegmentationScores]

    private let images: ImageParts

    package init(_ parts: [SegmentationScores]) {
        precondition(!parts.isEmpty)
        self.parts = parts
        images = ImageParts(counts: parts.map(\.shape.imageCount))
    }

    package var imageCount: Int { images.imageCount }

    /// The memory that the arrays take.
    package var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

    package var classCount: Int { parts[0].shape.classCount }

    /// The numbers that decided which pixels of all parts are label issues; nil if label issues were not asked for.
    package var statistics: LabelIssues.Statistics? { parts[0].labelIssues?.statistics }

    /// Whether the most probable class of every pixel is known.
    package var hasPredicted: Bool { parts.allSatisfy { $0.predicted != nil } }

    /// Whether the probability of that class is known too, so that there are regions.
    package var hasRegions: Bool { parts.allSatisfy { $0.predicted != nil && $0.largest != nil } }

    /// The extents of an image; nil if images are of several sizes.
    package var space: [Int]? {
        let space = parts[0].shape.labels.space
        return parts.allSatisfy { $0.shape.labels.space == space } ? space : nil
    }

    /// Whether the given labels of all images lie in one type.
    package var areLabelsOfOneType: Bool { parts.allSatisfy { $0.given.isWide == parts[0].given.isWide } }

    /// The shape of what is known of all pixels, that of labels; nil if images are of several sizes.
    package var dimensions: [Int]? {
        parts.count == 1 ? parts[0].shape.labels.dimensions : space.map { [imageCount] + $0 }
    }

    /// The part that has an image, and which of the part's images that is.
    ///
    /// - Parameters:
    ///   - image: In `0..<imageCount`.
    package func locate(_ image: Int) -> (part: SegmentationScores, image: Int) {
        let (part, index) = images.locate(image)
        return (parts[part], index)
    }

    /// The score of each image.
    package var imageScores: [Double] {
        parts.flatMap { part in
            let scores = part.imageScores.span
            return scores.indices.map { scores[$0] }
        }
    }

    /// An image and its score.
    package struct Rank: Equatable, Sendable {
        package let image: Int
        package let score: Double

        /// Whether the image comes before another in the ranking.
        fileprivate func precedes(_ other: Rank) -> Bool { (score, image) < (other.score, other.image) }
    }

    /// The worst images, worst first, and of equal scores the lower index first.
    ///
    /// - Parameters:
    ///   - limit: How many images, at least 1; up to twice as many are held meanwhile.
    /// - Complexity: O(N·log `limit`) time at most, O(`limit`) memory.
    package func worst(_ limit: Int) -> [Rank] {
        precondition(limit >= 1)
        var (ranks, bound) = ([Rank](), Rank?.none)
        var image = 0
        for part in parts {
            for index in 0..<part.imageScores.count {
                let rank = Rank(image: image, score: part.imageScores.span[index])
                image += 1
                if let bound, !rank.precedes(bound) { continue }
                ranks.append(rank)
                guard ranks.count == 2 * limit else { continue }
                ranks.sort { $0.precedes($1) }
                ranks.removeLast(limit)
                bound = ranks.last
            }
        }
        ranks.sort { $0.precedes($1) }
        return Array(ranks.prefix(limit))
    }

    /// All images, worst first, and of equal scores the lower index first.
    package func ranking() -> [Int] {
        let scores = imageScores
        return scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    }
}
