package import Memory

/// The cells of some images of a data set, as ``ReducedBlock`` made them, and what is counted in them before it is
/// decided, over all images, which pixels are label issues.
package struct BlockCells: Sendable {
    private let cells: ConfidenceCells

    /// - Parameters:
    ///   - scores: The probability of each cell's label, or its largest probability if only confident cells are counted.
    ///   - labels: As many classes, and all ones at cells that take no part.
    ///   - predicted: As many classes, all below `classCount`, in codes as wide as labels; nil if no confident cells are
    ///     counted.
    ///   - classCount: K; nil if labels may be any class.
    package init(
        scores: PixelScores, labels: ClassCodes, predicted: ClassCodes? = nil, imageCount: Int, classCount: Int? = nil
    ) {
        precondition(imageCount >= 1 && scores.count % imageCount == 0 && scores.count == labels.count)
        cells = ConfidenceCells(
            side: 1, classCount: classCount ?? Int(labels.isWide ? UInt16.max : UInt16(UInt8.max)),
            imageCount: imageCount, scores: scores, labels: labels, predicted: predicted ?? labels, largest: scores,
            ignored: -1)
    }

    private var all: Range<Int> { 0..<cells.scores.count }

    /// How many cells are predicted as another class than their label, with at least that class's confident threshold.
    /// Scores are largest probabilities.
    ///
    /// - Parameters:
    ///   - thresholds: `(K,)`.
    package func countConfident(thresholds: [Double]) -> Int {
        Kernels.countConfident(cells, all, thresholds: thresholds.map { $0 - ConfidentThresholds.margin })
    }

    /// Of the cells that take part and whose score's bits begin with `prefix`, how many go on with each value of the
    /// `width` bits from `shift` on.
    ///
    /// - Parameters:
    ///   - width: In `1...16`.
    /// - Returns: `(1 << width,)`.
    /// - Throws: ``ScoringError/memory(_:)``.
    package func histogram(prefix: UInt64, shift: Int, width: Int) throws(ScoringError) -> Buffer<UInt64> {
        let counts: Buffer<UInt64> = try allocate(1 << width)
        Kernels.countKeys(
            cells, all, upTo: 1, prefix: prefix, shift: shift, width: width, counts: counts, at: 0)
        return counts
    }

    /// How many cells take part and have a score.
    package func countEqual(to score: Double) -> Int { Kernels.countEqual(cells, all, to: score) }

    /// The label issues of the images.
    package struct Marks: Sendable {
        /// `(N, H, W)`, one byte a pixel.
        package let mask: Buffer<UInt8>
        /// `(N,)`: how many pixels of each image are marked.
        package let counts: Buffer<Int64>
        /// `(N,)`: the share of the pixels of each image that take part and are not marked; 1 if none takes part.
        package let imageScores: Buffer<Double>
    }

    /// Marks the pixels that lie in a cell below the cut, or in one of the first at it, and are not predicted as their
    /// label.
    ///
    /// - Parameters:
    ///   - score: The cut.
    ///   - ties: How many of these images' cells with just this score are candidates, the first by image, row and column.
    ///   - side: The extent of a cell in pixels.
    ///   - shape: The shape of the pixels, whose extents are those of the cells times `side`.
    ///   - labels: The label of each pixel, and all ones if it takes no part.
    ///   - predicted: The most probable class of each pixel, in codes as wide as labels.
    /// - Throws: ``ScoringError/memory(_:)``.
    package func mark(
        below score: Double, ties: Int, side: Int, of shape: LabelShape, labels: ClassCodes, predicted: ClassCodes
    ) throws(ScoringError) -> Marks {
        precondition(cells.scores.count * side * side == shape.pixelCount)
        let marks = Marks(
            mask: try allocate(shape.pixelCount, isZeroed: false), counts: try allocate(shape.imageCount),
            imageScores: try allocate(shape.imageCount))
        let candidates: Buffer<UInt8> = try allocate(cells.cellsPerImage, isZeroed: false)
        let allOnes = labels.isWide ? Int32(UInt16.max) : Int32(UInt8.max)
        var left = ties
        for image in 0..<shape.imageCount {
            let range = image * cells.cellsPerImage..<(image + 1) * cells.cellsPerImage
            left -= Kernels.markLowest(cells, range, cut: score, ties: left, into: candidates)
            let count = ConfidentLearning.markDisagreeing(
                candidates, side: side, image: image, of: shape, labels: labels, predicted: predicted,
                ignored: allOnes, into: marks.mask)
            let plane = shape.pixelsPerImage
            let kept = plane - Kernels.count(labels, image * plane..<(image + 1) * plane, of: Int(allOnes))
            marks.counts.withMutableSpan { $0[image] = Int64(count) }
            marks.imageScores.withMutableSpan { $0[image] = kept > 0 ? 1 - Double(count) / Double(kept) : 1 }
        }
        return marks
    }
}
