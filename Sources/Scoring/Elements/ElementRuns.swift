import Memory

/// The pixels and classes that the elements of an array belong to, as they come in file order.
///
/// An array `(N, K, H, W)` is taken apart into runs: neighbours in the file that are of one class and lie evenly spaced
/// among the pixels `(N, H, W)`. In C order a run is a plane, in Fortran order it is one element of each
/// image. Arrays without classes have K = 1.
///
/// With blocks, a file in Fortran order is read block by block, in the order of ``FilePieces``.
///
/// Rows may be those of several axes, as in a volume, all of which but the last count as the height.
struct ElementRuns {
    /// Elements that follow one another in the file.
    struct Run {
        let classIndex: Int
        /// The first pixel, as an index into `(N, H, W)`.
        let firstPixel: Int
        /// The distance from one pixel to the next.
        let stride: Int
        let count: Int

        /// The same pixels, of another class.
        func ofClass(_ classIndex: Int) -> Run {
            Run(classIndex: classIndex, firstPixel: firstPixel, stride: stride, count: count)
        }

        /// Some elements of the run.
        func part(from first: Int, count: Int) -> Run {
            Run(classIndex: classIndex, firstPixel: firstPixel + first * stride, stride: stride, count: count)
        }
    }

    private let imageCount: Int
    private let classCount: Int
    private let height: Int
    private let width: Int
    private let order: TensorLayout.Order
    private let blockSide: Int
    private let rows: [Int]

    /// How many elements stand ahead of the next, in the order that elements come in.
    var position = 0

    /// - Parameters:
    ///   - imageCount: At least 1, as are the other extents; their product fits an `Int`.
    ///   - blockSide: The extent of blocks, which divides height and width; 1 if there are ``rows``.
    ///   - rows: The extents whose product is the height, if rows are those of several axes; see ``LabelShape/rows``.
    init(
        imageCount: Int, classCount: Int, height: Int, width: Int, order: TensorLayout.Order, blockSide: Int = 1,
        rows: [Int] = []
    ) {
        precondition(rows.isEmpty || blockSide == 1)
        self.imageCount = imageCount
        self.classCount = classCount
        self.height = height
        self.width = width
        self.order = order
        self.blockSide = blockSide
        self.rows = rows
    }

    /// The next run.
    ///
    /// - Parameter limit: The number of elements that are there, at least 1. If they end within a run, the next call
    ///   goes on with the rest of it.
    mutating func next(limit: Int) -> Run {
        let plane = height * width
        let run: Run
        switch order {
        case .c:
            let pixel = position % plane
            let (image, classIndex) = (position / plane).quotientAndRemainder(dividingBy: classCount)
            run = Run(
                classIndex: classIndex, firstPixel: image * plane + pixel, stride: 1,
                count: min(limit, plane - pixel))
        case .fortran:
            let (column, image) = position.quotientAndRemainder(dividingBy: imageCount)
            let (pixel, classIndex) = column.quotientAndRemainder(dividingBy: classCount)
            // Within a block, rows move faster than columns; so do the rows of blocks.
            let (line, rowInBlock) = pixel.quotientAndRemainder(dividingBy: blockSide)
            let (block, columnInBlock) = line.quotientAndRemainder(dividingBy: blockSide)
            let (blockColumn, blockRow) = block.quotientAndRemainder(dividingBy: height / blockSide)
            let x = blockColumn * blockSide + columnInBlock
            let y = rows.isEmpty ? blockRow * blockSide + rowInBlock : Self.row(blockRow, rows)
            run = Run(
                classIndex: classIndex, firstPixel: image * plane + y * width + x, stride: plane,
                count: min(limit, imageCount - image))
        }
        position += run.count
        return run
    }

    /// The index of a row in memory, where the last of several axes moves fastest.
    ///
    /// - Parameters:
    ///   - index: The index of the row in the file, where the first axis moves fastest.
    private static func row(_ index: Int, _ rows: [Int]) -> Int {
        var (rest, row) = (index, 0)
        for extent in rows {
            row = row * extent + rest % extent
            rest /= extent
        }
        return row
    }
}

extension ElementRuns {
    /// The runs of an array that has a value of each pixel, whatever its axes are.
    ///
    /// In C order one image follows the other without a gap, so that all count as one image. A run for each would be slow
    /// if they are small, and a few bytes may unpack to very many of them.
    ///
    /// - Parameters:
    ///   - layout: The layout of an array that has elements.
    init(ofPixelsIn layout: TensorLayout) {
        guard layout.order == .fortran, layout.shape.count > 1 else {
            let width = layout.shape.last ?? 1
            self.init(imageCount: 1, classCount: 1, height: layout.elementCount / width, width: width, order: .c)
            return
        }
        let shape = LabelShape(layout.shape)
        self.init(
            imageCount: shape.imageCount, classCount: 1, height: shape.height, width: shape.width, order: .fortran,
            rows: shape.rows)
    }
}
