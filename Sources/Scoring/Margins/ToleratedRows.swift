import Memory

/// Marks, row by row, the pixels that disagree with their label and are not tolerated.
///
/// A pixel disagrees if another class than its label is the most probable one and its label is not ignored. It is
/// tolerated unless its eight neighbours disagree too: a rim of one pixel is how somebody draws, and no mistake. What is
/// outside the image counts as disagreeing, so that a mistake at the border is not taken for a rim.
///
/// The neighbours of a pixel in a volume are those of its slice, the last two axes.
struct ToleratedRows {
    /// The extents of a slice.
    private let height: Int
    private let width: Int
    private let labels: ClassCodes
    private let predicted: ClassCodes
    private let ignored: Int32

    /// The marks of three rows that disagree, each at its number modulo 3, and how many pixels of each do.
    let rows: Buffer<UInt8>
    private var counts = [0, 0, 0]
    private let scratch: Buffer<UInt8>

    /// `(W,)`, of the row that was asked for: 1 at a pixel that counts.
    let marks: Buffer<UInt8>

    /// - Parameters:
    ///   - ignored: The code of the ignored label; -1 for none.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ shape: LabelShape, labels: ClassCodes, predicted: ClassCodes, ignored: Int32) throws(ScoringError) {
        (height, width) = (shape.sliceHeight, shape.width)
        self.labels = labels
        self.predicted = predicted
        self.ignored = ignored
        rows = try allocate(3 * width, isZeroed: false)
        scratch = try allocate(width, isZeroed: false)
        marks = try allocate(width, isZeroed: false)
    }

    /// Marks a row. The rows of a slice are asked for from the first to the last.
    ///
    /// - Parameters:
    ///   - row: The number of the row in the slice.
    ///   - first: The index of the row's first pixel.
    /// - Returns: Whether any pixel of the row counts; if none does, ``marks`` are not made.
    mutating func mark(_ row: Int, from first: Int) -> Bool {
        if row == 0 { read(0, from: first) }
        if row + 1 < height { read(row + 1, from: first + width) }
        guard counts[row % 3] > 0 else { return false }
        let isBesideNone = (row > 0 && counts[(row - 1) % 3] == 0) || (row + 1 < height && counts[(row + 1) % 3] == 0)
        guard !isBesideNone else { return false }
        return Kernels.erode(
            rows, above: row > 0 ? (row - 1) % 3 * width : nil, row: row % 3 * width,
            below: row + 1 < height ? (row + 1) % 3 * width : nil, count: width, scratch: scratch, into: marks) > 0
    }

    /// The index of a row's first mark in ``rows``, after the row was asked for, and how many of its pixels disagree.
    func disagreeing(_ row: Int) -> (place: Int, count: Int) { (row % 3 * width, counts[row % 3]) }

    private mutating func read(_ row: Int, from first: Int) {
        counts[row % 3] = Kernels.markDisagreeing(
            labels: labels, predicted: predicted, first..<first + width, ignored: ignored, into: rows,
            at: row % 3 * width)
    }
}
