import Memory

/// The mean probabilities of blocks of pixels, renormalised over the classes, which `downsample` makes of images.
struct BlockProbabilities: Sendable {
    /// The blocks' extent in pixels, down and across.
    let side: Int

    /// `(N, H / side, W / side)`, like all arrays that follow: the mean of the labels that take part, rounded half to
    /// even, or all ones if none does.
    let labels: ClassCodes

    /// How many pixels of each block take part.
    let counts: Buffer<UInt32>

    /// The probability of each block's label.
    let scores: Buffer<Double>

    /// The largest probability of each block.
    let largest: Buffer<Double>

    /// The class of the largest probability, the first of equals.
    let predicted: ClassCodes

    /// The memory that the arrays take.
    var byteCount: Int {
        labels.byteCount + counts.byteCount + scores.byteCount + largest.byteCount + predicted.byteCount
    }

    /// Makes blocks. Those of each image are to be prepared before they are filled.
    ///
    /// - Parameters:
    ///   - count: The number of blocks of all images.
    ///   - side: The blocks' extent, which divides H and W.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(count: Int, side: Int, isWide: Bool) throws(ScoringError) {
        self.side = side
        labels = try ClassCodes(count: count, isWide: isWide)
        predicted = try ClassCodes(count: count, isWide: isWide)
        counts = try allocate(count)
        scores = try allocate(count)
        largest = try allocate(count)
    }

    /// Makes the labels of an image's blocks.
    ///
    /// - Parameters:
    ///   - labels: Labels in codes that hold all K classes. Those of the image are all classes or ignored.
    func prepare(image: Int, labels: LabelMap, shape: ScoringShape, ignored: Int32) {
        let plane = shape.pixelsPerImage
        Kernels.blockLabels(
            labels.codes, image * plane..<(image + 1) * plane, width: shape.width, side: side,
            classCount: shape.classCount, ignored: ignored, into: self.labels, counts,
            at: image * (plane / side / side))
    }

    /// Takes arrays that were made before.
    init(
        side: Int, labels: ClassCodes, counts: Buffer<UInt32>, scores: Buffer<Double>, largest: Buffer<Double>,
        predicted: ClassCodes
    ) {
        self.side = side
        self.labels = labels
        self.counts = counts
        self.scores = scores
        self.largest = largest
        self.predicted = predicted
    }

    /// Takes one class's sums over some blocks: turns them into means, adds these to `totals`, keeps a mean if it is
    /// that of the block's label or the largest so far, and sets the sums to zero. Classes come in order.
    ///
    /// - Parameters:
    ///   - sum: The index of the first block's sum.
    ///   - total: The index of the first block's total.
    func take(
        _ sums: Buffer<Double>, at sum: Int, _ blocks: Range<Int>, classIndex: Int, totals: Buffer<Double>,
        at total: Int
    ) {
        Kernels.takeBlocks(
            sums, at: sum, blocks, classIndex: classIndex, counts: counts, labels: labels, totals: totals, at: total,
            scores: scores, largest: largest, predicted: predicted)
    }

    /// Renormalises some blocks, of which all classes have been taken. If all probabilities of a block are zero, they
    /// stay so.
    func normalise(_ blocks: Range<Int>, totals: Buffer<Double>, at total: Int) {
        Kernels.divide(scores, blocks, by: totals, at: total)
        Kernels.divide(largest, blocks, by: totals, at: total)
    }
}
