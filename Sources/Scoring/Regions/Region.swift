/// Neighbouring pixels, corners included, that all have the same label and the same other class that the model suggests.
///
/// A region takes 64 bytes. Sums are float64.
package struct Region: Equatable, Sendable, BitwiseCopyable {
    /// The sum of the pixels' scores.
    package internal(set) var own: Double

    /// The sum of the pixels' largest probabilities.
    package internal(set) var largest: Double

    /// The sum of the squared margins of the pixels that are not tolerated; see ``Margin``.
    package internal(set) var mass: Double

    /// The index in the image of the region's first pixel, in the order of memory.
    package let firstPixel: Int

    /// The number of pixels.
    package internal(set) var area: Int

    /// The index of the image over all parts.
    package let image: UInt32

    /// The first column.
    package internal(set) var left: UInt32

    /// The column behind the last.
    package internal(set) var right: UInt32

    /// The row behind the last, of the rows of the image.
    package internal(set) var bottom: UInt32

    /// The side of the largest square of pixels of the region.
    package internal(set) var side: UInt32

    /// The label that was given.
    package let given: UInt16

    /// The most probable class.
    package let suggested: UInt16

    /// How many pixels deep the region is: the distance of its innermost pixel from the nearest one outside, as a king
    /// moves, where what is outside of the image is outside. A region of 1 is nowhere wider than two pixels.
    package var thickness: Int { Int(side + 1) / 2 }

    /// Takes the pixels of another part of the region, whose first pixel comes later.
    mutating func add(_ other: Region) {
        own += other.own
        largest += other.largest
        mass += other.mass
        area += other.area
        left = min(left, other.left)
        right = max(right, other.right)
        bottom = max(bottom, other.bottom)
        side = max(side, other.side)
    }
}
