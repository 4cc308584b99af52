/// What confident learning looks at: for each cell its label, the probability of that, and the class that is most
/// probable. A cell is a pixel or, with `downsample`, a block of pixels.
struct ConfidenceCells: Sendable {
    /// The extent of a cell in pixels, down and across; 1 where cells are the pixels themselves.
    let side: Int

    let classCount: Int

    /// N, at least 1.
    let imageCount: Int

    /// `(N, H / side, W / side)`, like the next two: the probability of the cell's own label.
    let scores: PixelScores

    /// Where a cell's label is no class it takes no part.
    let labels: ClassCodes

    /// The most probable class, the first of equals.
    let predicted: ClassCodes

    /// The label of the cells that take no part either; -1 for none. Blocks have none such.
    let ignored: Int32

    var cellsPerImage: Int { scores.count / imageCount }
}
