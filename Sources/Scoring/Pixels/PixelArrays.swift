import Memory

/// The arrays that one pass over the probabilities fills; see ``PixelAccumulator``.
struct PixelArrays: Sendable {
    let shape: ScoringShape
    /// The layout of the array that comes, of which all K are channels unless ``Activation/isOfTwoClasses``.
    let layout: TensorLayout
    let activation: Activation
    /// The grid that the values of the array lie on; nil if its elements are values of pixels.
    let grid: SourceGrid?
    let labels: LabelMap
    let scores: PixelScores
    let predicted: ClassCodes

    /// Each pixel's largest probability. Blocks keep theirs besides.
    let largest: PixelScores
    let blocks: BlockProbabilities?

    /// The label of the pixels that have no part in their blocks, as it came and as a code.
    private let ignoredLabel: Int64?
    let ignored: Int32

    let clamped = ClampCount()

    /// Makes the arrays. Parameters and errors are those of
    /// ``PixelAccumulator/init(labels:layout:activation:sampling:downsample:ignoredLabel:)``.
    init(
        labels: LabelMap, layout: TensorLayout, activation: Activation, sampling: Sampling, downsample: Int,
        ignoredLabel: Int64?
    ) throws(ScoringError) {
        let sampled = sampling.sampledShape(layout.shape, labels: labels.shape.plain)
        shape = try ScoringShape(labels: labels.shape, predictedProbabilities: activation.probabilitiesShape(sampled))
        grid = try SourceGrid(layout, sampling, shape: shape)
        try shape.check(downsample: downsample)
        guard downsample == 1 || !activation.needsAllClasses || layout.order == .c else {
            throw .fortranOrder(.predictedProbabilities)
        }
        self.activation = activation
        self.layout = layout
        self.ignoredLabel = ignoredLabel
        self.labels = try labels.holding(classCount: shape.classCount)
        let scalar = layout.elementType.scalar
        scores = try PixelScores(count: shape.pixelCount, for: scalar, of: .predictedProbabilities)
        predicted = try ClassCodes(count: shape.pixelCount, isWide: self.labels.codes.isWide)
        largest = try PixelScores(count: shape.pixelCount, for: scalar, of: .predictedProbabilities)
        ignored = self.labels.code(ofIgnored: ignoredLabel)
        blocks =
            downsample == 1
            ? nil
            : try BlockProbabilities(
                count: shape.pixelCount / downsample / downsample, side: downsample, isWide: self.labels.codes.isWide)
    }

    /// Makes the labels of an image's blocks, if there are blocks. It is called before any probability of the image is
    /// taken.
    ///
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    func prepare(image: Int) throws(ScoringError) {
        guard let blocks else { return }
        try labels.check(image: image, classCount: shape.classCount, ignoredLabel: ignoredLabel)
        blocks.prepare(image: image, labels: labels, shape: shape, ignored: ignored)
    }

    /// The number of channels of the array that comes.
    var channelCount: Int { grid?.channelCount ?? layout.shape[1] }

    /// Whether in C order all classes of a run of pixels come before the next run.
    var classesTakeTurns: Bool { isOneChannelOfTwo || grid?.sampling.isChannelsLast == true }

    /// Whether the only channel tells of two classes.
    var isOneChannelOfTwo: Bool { channelCount < shape.classCount }

    /// Whether all values of an image have to come twice: first to tell what they are divided by, and then to be added
    /// up in blocks.
    var comeTwice: Bool { blocks != nil && activation.needsAllClasses }

    /// The extent of blocks; 1 if there are none.
    var side: Int { blocks?.side ?? 1 }

    /// The pixels, after all planes have been seen.
    func finish() -> ScoredPixels {
        ScoredPixels(
            shape: shape, labels: labels, scores: scores, predicted: predicted, largest: largest, blocks: blocks,
            clampedCount: clamped.value)
    }
}
