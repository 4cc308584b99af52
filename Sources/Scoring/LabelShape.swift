/// The extents of labels: how many images there are, and the space of each.
package struct LabelShape: Equatable, Sendable {
    /// N, at least 1; 1 if labels have no axis of images.
    package let imageCount: Int

    /// The extents of an image, each at least 1, the last of which moves fastest: `(H, W)`, `(D, H, W)` of a volume,
    /// `(L,)` of a sequence.
    package let space: [Int]

    /// Whether the first axis of labels counts images. Without it they are those of one image.
    package let hasImageAxis: Bool

    /// The product of all extents of ``space`` but the last: the rows of an image, whatever its dimensions. The pixels
    /// of a volume lie in memory as those of one image with all of its rows.
    package let height: Int

    /// The last extent of ``space``.
    package let width: Int

    /// The extent of ``space`` ahead of the last: the rows of a slice of a volume; 1 of a sequence.
    package var sliceHeight: Int { space.count > 1 ? space[space.count - 2] : 1 }

    /// H·W.
    package var pixelsPerImage: Int { height * width }

    /// Whether places in an image are no larger than those of regions can be.
    package var canHaveRegions: Bool { pixelsPerImage <= Self.pixelsWithRegions }

    /// The most pixels that an image with regions has: their places take 32 bits.
    package static let pixelsWithRegions = Int(UInt32.max)

    /// N·H·W.
    package var pixelCount: Int { imageCount * pixelsPerImage }

    /// - Parameters:
    ///   - space: At least one extent. The product of all extents fits an `Int`.
    package init(imageCount: Int, space: [Int], hasImageAxis: Bool = true) {
        precondition(!space.isEmpty && (hasImageAxis || imageCount == 1))
        self.imageCount = imageCount
        self.space = space
        self.hasImageAxis = hasImageAxis
        height = space.dropLast().reduce(1, *)
        width = space[space.count - 1]
    }

    /// - Parameters:
    ///   - dimensions: `(N, H, W)`, with any extents of space in place of the last two; or these alone.
    ///   - hasImageAxis: Whether the first of them is N.
    package init(_ dimensions: [Int], hasImageAxis: Bool = true) {
        self.init(
            imageCount: hasImageAxis ? dimensions[0] : 1, space: Array(dimensions[(hasImageAxis ? 1 : 0)...]),
            hasImageAxis: hasImageAxis)
    }

    /// The extent of the square cells that images of this shape are cut into; 1 if cells are pixels, nil if no such cells
    /// have the other shape.
    package func side(ofCells cells: LabelShape) -> Int? {
        guard cells.imageCount == imageCount, cells.space.count == space.count else { return nil }
        guard cells.space != space else { return 1 }
        let side = height / cells.height
        return space.count == 2 && cells.height * side == height && cells.width * side == width ? side : nil
    }

    /// The shape of labels, and of what is known of each pixel.
    package var dimensions: [Int] { (hasImageAxis ? [imageCount] : []) + space }

    /// `(N, H, W)`, with H rows of all axes of ``space`` but the last.
    package var plain: [Int] { [imageCount, height, width] }

    /// The extents of the rows, if there are several: in Fortran order they follow one another in another way than in
    /// memory.
    var rows: [Int] { space.count > 2 ? space.dropLast() : [] }

    /// The place of a pixel.
    ///
    /// - Parameter index: The index of the pixel in ``dimensions``, last index fastest.
    func position(of index: Int) -> ScoringError.Position {
        let (image, pixel) = index.quotientAndRemainder(dividingBy: pixelsPerImage)
        return ScoringError.Position(image: hasImageAxis ? image : nil, place: place(ofPixel: pixel))
    }

    /// The index of a pixel along each axis of ``space``.
    ///
    /// - Parameter pixel: The index of the pixel in its image, last index fastest.
    package func place(ofPixel pixel: Int) -> [Int] {
        var (rest, place) = (pixel, space)
        for axis in space.indices.reversed() {
            (rest, place[axis]) = rest.quotientAndRemainder(dividingBy: space[axis])
        }
        return place
    }

    /// The index of a pixel in its image; nil if there is none at the place.
    ///
    /// - Parameter place: An index along each axis of ``space``.
    package func pixel(at place: [Int]) -> Int? {
        guard place.count == space.count, zip(place, space).allSatisfy({ (0..<$1).contains($0) }) else { return nil }
        return zip(place, space).reduce(0) { $0 * $1.1 + $1.0 }
    }
}
