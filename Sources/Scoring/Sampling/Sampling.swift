/// How predicted values lie in their array, and what brings them to the pixels of the labels.
package struct Sampling: Equatable, Sendable {
    /// A way to make the values of an image of another size, as PyTorch's `interpolate` does.
    package enum Interpolation: Equatable, Sendable {
        /// The value whose place is the nearest from below (`mode="nearest"`).
        case nearest
        /// The mean of four values, by their distance (`mode="bilinear"`).
        ///
        /// - Parameter alignsCorners: Whether the centers of the pixels in the corners lie on each other, rather than
        ///   the corners of the images.
        case bilinear(alignsCorners: Bool)
    }

    /// The part of an image that is no padding, from its first row and column on, each extent at least 1.
    package struct Valid: Equatable, Sendable {
        package let height: Int
        package let width: Int

        package init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }
    }

    /// Whether an array is `(N, H, W, K)` rather than `(N, K, H, W)`.
    package let isChannelsLast: Bool

    /// The part of each image that counts; nil if all of it does.
    package let valid: Valid?

    /// What makes the values of pixels of an image of another size; nil if images have that of the labels.
    package let interpolation: Interpolation?

    package init(isChannelsLast: Bool = false, valid: Valid? = nil, interpolation: Interpolation? = nil) {
        self.isChannelsLast = isChannelsLast
        self.valid = valid
        self.interpolation = interpolation
    }

    /// Each value belongs to a pixel, and the channels come first.
    package static let none = Sampling()

    /// The shape of an array, `(N, K, H, W)` whatever the order of its axes.
    func channelsFirst(_ shape: [Int]) -> [Int] {
        isChannelsLast ? [shape[0], shape[3], shape[1], shape[2]] : shape
    }

    /// The shape `(N, K, H, W)` of the values of the labels' pixels. A shape of another rank or without elements stays
    /// as it is, to be refused by whoever needs it.
    ///
    /// - Parameters:
    ///   - shape: The shape of the array that came, which may be anything.
    ///   - labels: The shape of the labels; nil if it is not known yet.
    package func sampledShape(_ shape: [Int], labels: [Int]?) -> [Int] {
        guard shape.count == 4, !shape.contains(0) else { return shape }
        var result = channelsFirst(shape)
        if let valid, valid.height <= result[2], valid.width <= result[3] {
            result.replaceSubrange(2..., with: [valid.height, valid.width])
        }
        if interpolation != nil, let labels, labels.count == 3 { result.replaceSubrange(2..., with: labels[1...]) }
        return result
    }
}
