import Memory

/// Takes probabilities as they arrive, and keeps of each block of pixels what confident learning needs.
///
/// In C order only the sums of one class over one row of blocks wait for more, so that memory does not grow with
/// classes. In Fortran order, in which all classes of a pixel come together, those of one block at a time wait, of all
/// images and classes.
struct BlockAccumulator {
    private let blocks: BlockProbabilities
    private let shape: ScoringShape
    private let order: TensorLayout.Order
    private let labels: ClassCodes
    private let ignored: Int32
    /// The sums of probabilities: in C order one for each block of a row, for each
    /// class if classes take turns; in Fortran order one for each image and class.
    private let sums: Buffer<Double>
    /// The sums of means over the classes: in C order one for each block of an image, in Fortran order one for each
    /// image.
    private let totals: Buffer<Double>
    private let classesTakeTurns: Bool

    private var side: Int { blocks.side }
    private var blocksPerRow: Int { shape.width / side }
    private var blocksPerImage: Int { shape.pixelsPerImage / side / side }

    /// - Parameters:
    ///   - blocks: The blocks that are filled.
    ///   - labels: The labels of the pixels.
    ///   - classesTakeTurns: Whether in C order all classes of a run of pixels come before the next run.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(
        _ blocks: BlockProbabilities, labels: ClassCodes, shape: ScoringShape, order: TensorLayout.Order,
        classesTakeTurns: Bool, ignored: Int32
    ) throws(ScoringError) {
        self.blocks = blocks
        self.shape = shape
        self.order = order
        self.labels = labels
        self.ignored = ignored
        self.classesTakeTurns = classesTakeTurns
        switch order {
        case .c:
            sums = try allocate(shape.width / blocks.side * (classesTakeTurns ? shape.classCount : 1))
            totals = try allocate(shape.pixelsPerImage / blocks.side / blocks.side)
        case .fortran:
            sums = try allocate(shape.imageCount * shape.classCount)
            totals = try allocate(shape.imageCount)
        }
    }

    /// Takes a run. Runs come in the order of ``ElementRuns``.
    func take(_ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run) {
        switch order {
        case .c: takeRows(elements, from: index, run)
        case .fortran: takeImages(elements, from: index, run)
        }
    }

    /// Takes a run that lies in a plane.
    private func takeRows(_ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run) {
        let (image, first) = run.firstPixel.quotientAndRemainder(dividingBy: shape.pixelsPerImage)
        let sum = classesTakeTurns ? run.classIndex * blocksPerRow : 0
        var done = 0
        while done < run.count {
            let (row, column) = (first + done).quotientAndRemainder(dividingBy: shape.width)
            let count = min(shape.width - column, run.count - done)
            Kernels.addRow(
                elements, from: index + done, count: count, column: column, side: side, labels: labels,
                pixel: run.firstPixel + done, ignored: ignored, to: sums, at: sum)
            done += count
            guard column + count == shape.width, row % side == side - 1 else { continue }
            let firstBlock = row / side * blocksPerRow
            let range = image * blocksPerImage + firstBlock..<image * blocksPerImage + firstBlock + blocksPerRow
            blocks.take(sums, at: sum, range, classIndex: run.classIndex, totals: totals, at: firstBlock)
            if run.classIndex == shape.classCount - 1 {
                blocks.normalise(range, totals: totals, at: firstBlock)
            }
        }
    }

    /// Takes a run that holds the same pixel of several images.
    private func takeImages(_ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run) {
        let (image, pixel) = run.firstPixel.quotientAndRemainder(dividingBy: shape.pixelsPerImage)
        Kernels.addEach(
            elements, from: index, run, labels: labels, ignored: ignored, to: sums,
            at: image * shape.classCount + run.classIndex, sumStride: shape.classCount)
        let (row, column) = pixel.quotientAndRemainder(dividingBy: shape.width)
        guard row % side == side - 1, column % side == side - 1, run.classIndex == shape.classCount - 1 else { return }
        for image in image..<image + run.count {
            let block = image * blocksPerImage + row / side * blocksPerRow + column / side
            for classIndex in 0..<shape.classCount {
                blocks.take(
                    sums, at: image * shape.classCount + classIndex, block..<block + 1, classIndex: classIndex,
                    totals: totals, at: image)
            }
            blocks.normalise(block..<block + 1, totals: totals, at: image)
        }
    }
}
