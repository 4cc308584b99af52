import Memory

/// The grid on which the values of an array lie, if it is another than that of the labels' pixels, or if the channels
/// come last.
struct SourceGrid: Sendable {
    let sampling: Sampling

    /// The layout of the array.
    let layout: TensorLayout
    let channelCount: Int

    /// The extents of an image, with its padding.
    private let height: Int
    private let width: Int

    /// The extents of the part of an image that counts.
    let valid: Sampling.Valid

    /// The extents of an image of the labels.
    let pixels: Sampling.Valid

    /// - Parameters:
    ///   - layout: A layout of rank 4 that has elements.
    ///   - shape: The shape of the scoring, which is that of the sampled array.
    /// - Returns: Nil if the elements of the array are values of pixels, in the order of ``ElementRuns``.
    /// - Throws: ``ScoringError/validExtents(_:valid:actual:)``, ``ScoringError/fortranOrder(_:)`` or
    ///   ``ScoringError/memory(_:)``.
    init?(_ layout: TensorLayout, _ sampling: Sampling, shape: ScoringShape) throws(ScoringError) {
        let extents = sampling.channelsFirst(layout.shape)
        self.layout = layout
        self.sampling = sampling
        (channelCount, height, width) = (extents[1], extents[2], extents[3])
        valid = sampling.valid ?? Sampling.Valid(height: height, width: width)
        pixels = Sampling.Valid(height: shape.height, width: shape.width)
        guard valid.height <= height, valid.width <= width else {
            throw .validExtents(
                .predictedProbabilities, valid: [valid.height, valid.width], actual: [height, width])
        }
        let isWhole = valid == Sampling.Valid(height: height, width: width)
        if !sampling.isChannelsLast, isWhole, pixels == valid { return nil }
        guard layout.order == .c else { throw .fortranOrder(.predictedProbabilities) }
        // Places in a row are kept in 32 bits.
        guard elementsPerRow <= Int(UInt32.max) else { throw .memory(.tooLarge(shape: layout.shape)) }
    }

    /// How many planes the rows of an image lie in: with the channels last all values of a row are neighbours.
    var planesPerImage: Int { sampling.isChannelsLast ? 1 : channelCount }

    /// How many channels of a row come together.
    var channelsPerRow: Int { sampling.isChannelsLast ? channelCount : 1 }

    var elementsPerRow: Int { width * channelsPerRow }

    /// The place of an element, counted over all rows of all planes.
    func place(of element: Int) -> (image: Int, plane: Int, row: Int, column: Int) {
        let (line, column) = element.quotientAndRemainder(dividingBy: elementsPerRow)
        let (plane, row) = line.quotientAndRemainder(dividingBy: height)
        return (plane / planesPerImage, plane % planesPerImage, row, column)
    }

    /// What a row of pixels is made of.
    var rowSampling: AxisSampling { axis(valid.height, pixels.height) }

    /// What a column of pixels is made of.
    var columnSampling: AxisSampling { axis(valid.width, pixels.width) }

    private func axis(_ count: Int, _ pixelCount: Int) -> AxisSampling {
        AxisSampling(
            count: count, pixelCount: pixelCount, by: sampling.interpolation ?? .nearest,
            isDouble: layout.elementType.scalar == .float64)
    }

    /// All rows of pixels, dealt out to bands of about as many each.
    ///
    /// - Parameters:
    ///   - count: How many bands are wanted.
    ///   - side: The extent of blocks, of which a band has whole ones.
    ///   - comesTwice: Whether all elements of an image come twice before those of the next image.
    /// - Returns: The rows of pixels of each band, and the pieces of the file that hold what they are made of.
    func bands(
        _ count: Int, side: Int, comesTwice: Bool
    ) throws(ScoringError) -> [(rows: Range<Int>, pieces: FilePieces)] {
        let rowsOfFile: TensorLayout
        do throws(MemoryError) {
            rowsOfFile = try TensorLayout(
                elementType: layout.elementType, shape: [layout.shape[0], planesPerImage, height, elementsPerRow])
        } catch {
            throw .memory(error)
        }
        let sampling = rowSampling
        return FilePieces.shares(count, of: rowsOfFile, blockLines: pixels.height / side).map { band in
            let rows = band.lowerBound * side..<band.upperBound * side
            let sources =
                sampling.sample(at: rows.lowerBound).lower..<sampling.sample(at: rows.upperBound - 1).upper + 1
            return (rows, FilePieces(rowsOfFile, side: 1, lines: sources, comesTwice: comesTwice))
        }
    }
}
