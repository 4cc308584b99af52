package import Memory

/// What one pass over the probabilities finds in some images of a data set, whose other images are elsewhere: all that
/// is needed to decide together with these which pixels are label issues.
///
/// Types depend on K and on the type of the probabilities alone, so that they are the same for all images of a data set.
package struct ReducedBlock: Sendable {
    /// Pixels, or blocks of pixels, each with its label, the probability of that label, its largest probability and the
    /// class of that one.
    package struct Cells: Sendable {
        /// 1 at cells that take no part.
        package let own: PixelScores
        package let largest: PixelScores
        package let predicted: ClassCodes
        /// Classes, and all ones at cells that take no part.
        package let labels: ClassCodes
    }

    package let shape: ScoringShape

    /// `(N, H, W)`.
    package let pixels: Cells

    /// `(N, H / side, W / side)`; nil if cells are pixels.
    package let blocks: Cells?

    /// `(N, K)`: of the cells of each image that are labelled as each class, the probability of their label, added up in
    /// their order.
    package let sums: Buffer<Double>

    /// `(N, K)`: how many these are.
    package let counts: Buffer<Int64>

    /// - Parameters:
    ///   - pixels: Pixels of which all probabilities were looked at.
    ///   - ignoredLabel: A label value whose pixels take no part.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time, one byte a pixel or two.
    package init(_ pixels: consuming ScoredPixels, ignoredLabel: Int64?) throws(ScoringError) {
        var pixels = pixels
        try pixels.settle(ignoredLabel: ignoredLabel)
        guard let (own, largest, predicted) = pixels.reduced else {
            preconditionFailure("all probabilities have been looked at")
        }
        let (shape, ignored) = (pixels.shape, pixels.labels.code(ofIgnored: ignoredLabel))
        let classCount = shape.classCount
        self.shape = shape
        self.pixels = Cells(
            own: own, largest: largest, predicted: try predicted.fitting(classCount),
            labels: try pixels.labels.codes.fitting(classCount, ignored: ignored))
        blocks = try pixels.blocks.map { (blocks) throws(ScoringError) in
            Cells(
                own: .float64(blocks.scores), largest: .float64(blocks.largest),
                predicted: try blocks.predicted.fitting(classCount), labels: try blocks.labels.fitting(classCount))
        }
        let cells = pixels.cells(ignored: ignored)
        sums = try allocate(shape.imageCount * classCount, isZeroed: false)
        counts = try allocate(shape.imageCount * classCount, isZeroed: false)
        for image in 0..<shape.imageCount {
            let ofImage = ClassSums(cells, image * cells.cellsPerImage..<(image + 1) * cells.cellsPerImage)
            sums.withMutableSpan { span in
                for index in 0..<classCount { span[image * classCount + index] = ofImage.sums[index] }
            }
            counts.withMutableSpan { span in
                for index in 0..<classCount { span[image * classCount + index] = ofImage.counts[index] }
            }
        }
    }
}
