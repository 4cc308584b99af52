/// The cells that confident learning looks at, each with its label, the probability of its label, and its most probable
/// class. A cell is a pixel or, with `downsample`, a block of pixels.
struct ConfidenceCells: Sendable {
    /// The extent of a cell in pixels, down and across; 1 if cells are the pixels themselves.
    let side: Int

    let classCount: Int

    /// N, at least 1.
    let imageCount: Int

    /// `(N, H / side, W / side)`, like the next three arrays: the probability of the cell's own label.
    let scores: PixelScores

    /// The labels. A cell whose label is no class takes no part.
    let labels: ClassCodes

    /// The most probable classes, the first of equals.
    let predicted: ClassCodes

    /// The probabilities of these.
    let largest: PixelScores

    /// The label whose cells take no part either; -1 for none. With blocks there is none, since ignored pixels take no
    /// part in their blocks.
    let ignored: Int32

    var cellsPerImage: Int { scores.count / imageCount }
}
