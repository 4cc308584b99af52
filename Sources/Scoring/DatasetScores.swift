import Tensors

/// The scores of all images of a data set, which came in one part or in several. Images are counted over all parts.
package struct DatasetScores: Sendable {
    /// At least one, of as many classes and of scores of one type; images may be of a size of each part's own.
    package let parts: [SegmentationScores]

    /// The index of each part's first image.
    private let firsts: [Int]

    package let imageCount: Int

    package init(_ parts: [SegmentationScores]) {
        precondition(!parts.isEmpty)
        self.parts = parts
        var (firsts, count) = ([Int](), 0)
        for part in parts {
            firsts.append(count)
            count += part.shape.imageCount
        }
        self.firsts = firsts
        imageCount = count
    }

    /// The memory that the arrays take.
    package var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

    package var classCount: Int { parts[0].shape.classCount }

    /// What decided which pixels are label issues, of all parts together; nil where nobody looked for them.
    package var statistics: LabelIssues.Statistics? { parts[0].labelIssues?.statistics }

    /// Height and width of the images; nil where these are of several sizes.
    package var size: (height: Int, width: Int)? {
        let (height, width) = (parts[0].shape.height, parts[0].shape.width)
        return parts.allSatisfy { $0.shape.height == height && $0.shape.width == width } ? (height, width) : nil
    }

    /// The part that has an image, and which of the part's images that is.
    ///
    /// - Parameters:
    ///   - image: In `0..<imageCount`.
    package func locate(_ image: Int) -> (part: SegmentationScores, image: Int) {
        precondition((0..<imageCount).contains(image))
        // The last part that begins at or before it.
        let behind = firsts.partitioningIndex { $0 > image }
        return (parts[behind - 1], image - firsts[behind - 1])
    }

    /// The score of each image.
    package var imageScores: [Double] {
        parts.flatMap { part in
            let scores = part.imageScores.span
            return scores.indices.map { scores[$0] }
        }
    }

    /// The images, worst first; equal scores by index.
    package func ranking() -> [Int] {
        let scores = imageScores
        return scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    }
}

extension [Int] {
    /// The first index from which on a predicate holds.
    fileprivate func partitioningIndex(_ belongsBehind: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongsBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
