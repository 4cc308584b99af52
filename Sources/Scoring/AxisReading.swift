package import Memory

/// Which axes of labels and of predictions are those of images and of classes, by the ranks and extents of both.
///
/// Labels with one axis fewer than predictions are classes, `(N, H, W)` with `(N, K, H, W)`; those with as many are
/// one-hot. Space may have any axes in place of `H` and `W`, and there may be no axis of images: `(H, W)` with
/// `(K, H, W)` is one image. Where extents allow both, labels of two axes are one image, and further axes begin with
/// that of images, as they do in cleanlab.
package struct AxisReading: Equatable, Sendable {
    /// The most axes of an array.
    package static let rankLimit = 8

    /// Whether labels have an axis of classes.
    package let areOneHot: Bool

    /// Whether the first axis of both arrays counts images, and the second of those that have one is that of classes.
    package let hasImageAxis: Bool

    /// - Parameters:
    ///   - labels: The shape of labels, which may be anything.
    ///   - shape: The shape of predictions, which may be anything.
    /// - Throws: ``ScoringError/emptyArray(_:shape:)``, ``ScoringError/ranks(_:labels:shape:)``,
    ///   ``ScoringError/shapeMismatch(_:expected:actual:)``, ``ScoringError/oneHotMismatch(_:labels:shape:)`` or
    ///   ``ScoringError/singleClass(labels:axis:)``.
    package init(labels: [Int], predictions shape: [Int]) throws(ScoringError) {
        let rank = labels.count
        guard rank >= 1, shape.count <= Self.rankLimit, [rank, rank + 1].contains(shape.count), shape.count >= 2 else {
            throw .ranks(.predictedProbabilities, labels: labels, shape: shape)
        }
        guard !shape.contains(0) else { throw .emptyArray(.predictedProbabilities, shape: shape) }
        let areOneHot = shape.count == rank
        // An image without an axis of images has two axes; what has more begins with one, if its extents allow it.
        let prefersImages = Self.hasImageAxis(ofRank: areOneHot ? rank - 1 : rank)
        let readings = prefersImages ? [true, false] : [false, true]
        guard let hasImageAxis = readings.first(where: { Self.matches(labels, shape, areOneHot, hasImageAxis: $0) })
        else { throw Self.mismatch(labels, shape, areOneHot, hasImageAxis: prefersImages) }
        (self.areOneHot, self.hasImageAxis) = (areOneHot, hasImageAxis)
        // Labels of classes with an axis too many are met far more often than labels of a single class.
        guard !areOneHot || labels[classAxis] > 1 else { throw .singleClass(labels: labels, axis: classAxis) }
    }

    /// Reads labels beside an array with one number a pixel, which has no axis of classes.
    ///
    /// Labels with as many axes are classes, those with one more are one-hot.
    ///
    /// - Parameters:
    ///   - labels: The shape of labels, which may be anything.
    ///   - shape: The shape of the array, which may be anything.
    /// - Throws: ``ScoringError/dimensions(_:shape:)``, ``ScoringError/shapeMismatch(_:expected:actual:)`` or
    ///   ``ScoringError/singleClass(labels:axis:)``.
    package init(labels: [Int], reduced shape: [Int]) throws(ScoringError) {
        guard !shape.isEmpty else { throw .dimensions(.own, shape: shape) }
        let areOneHot = labels.count == shape.count + 1
        let prefersImages = Self.hasImageAxis(ofRank: shape.count)
        guard areOneHot else {
            guard labels == shape else { throw .shapeMismatch(.own, expected: labels, actual: shape) }
            (self.areOneHot, hasImageAxis) = (false, prefersImages)
            return
        }
        func withoutClasses(_ hasImageAxis: Bool) -> [Int] {
            var dimensions = labels
            dimensions.remove(at: hasImageAxis ? 1 : 0)
            return dimensions
        }
        let readings = prefersImages ? [true, false] : [false]
        guard let hasImageAxis = readings.first(where: { withoutClasses($0) == shape }) else {
            throw .shapeMismatch(.own, expected: withoutClasses(prefersImages), actual: shape)
        }
        (self.areOneHot, self.hasImageAxis) = (areOneHot, hasImageAxis)
        guard labels[classAxis] > 1 else { throw .singleClass(labels: labels, axis: classAxis) }
    }

    /// Whether labels of classes with so many axes begin with one of images, if nothing tells otherwise.
    package static func hasImageAxis(ofRank rank: Int) -> Bool { rank > 2 }

    /// The axis of classes in predictions, and in labels that are one-hot.
    package var classAxis: Int { hasImageAxis ? 1 : 0 }

    /// How labels of a shape are read.
    package func labels(_ shape: [Int]) -> LabelReading {
        guard areOneHot else { return LabelReading(shape: LabelShape(shape, hasImageAxis: hasImageAxis)) }
        var dimensions = shape
        let classCount = dimensions.remove(at: classAxis)
        return LabelReading(shape: LabelShape(dimensions, hasImageAxis: hasImageAxis), classCount: classCount)
    }

    /// The layout `(N, K, H, W)` of predictions, with H rows of all axes but the last. The elements are the same.
    package func plain(_ layout: TensorLayout) -> TensorLayout {
        let shape = layout.shape
        let space = shape[(classAxis + 1)...]
        let images = hasImageAxis ? shape[0] : 1
        return Self.layout(
            layout, of: [images, shape[classAxis], space.dropLast().reduce(1, *), space[space.endIndex - 1]])
    }

    /// The layout of predictions with an axis of images. The elements are the same.
    package func withImageAxis(_ layout: TensorLayout) -> TensorLayout {
        hasImageAxis ? layout : Self.layout(layout, of: [1] + layout.shape)
    }

    /// The same elements in another shape.
    private static func layout(_ layout: TensorLayout, of shape: [Int]) -> TensorLayout {
        guard let layout = try? TensorLayout(elementType: layout.elementType, shape: shape, order: layout.order) else {
            preconditionFailure("the product of the extents is the same")
        }
        return layout
    }

    /// Whether all axes but those of classes have the same extents.
    private static func matches(_ labels: [Int], _ shape: [Int], _ areOneHot: Bool, hasImageAxis: Bool) -> Bool {
        let axis = hasImageAxis ? 1 : 0
        guard shape.count >= axis + 2 else { return false }
        var (labels, shape) = (labels, shape)
        shape.remove(at: axis)
        if areOneHot { labels.remove(at: axis) }
        return labels == shape
    }

    private static func mismatch(
        _ labels: [Int], _ shape: [Int], _ areOneHot: Bool, hasImageAxis: Bool
    ) -> ScoringError {
        guard !areOneHot else { return .oneHotMismatch(.predictedProbabilities, labels: labels, shape: shape) }
        var expected = labels
        expected.insert(shape[hasImageAxis ? 1 : 0], at: hasImageAxis ? 1 : 0)
        return .shapeMismatch(.predictedProbabilities, expected: expected, actual: shape)
    }
}

/// How labels are read: as classes, or as one-hot.
package struct LabelReading: Equatable, Sendable {
    /// The extents of labels, without an axis of classes.
    package let shape: LabelShape

    /// K of one-hot labels; nil if labels are classes.
    package let classCount: Int?

    package init(shape: LabelShape, classCount: Int? = nil) {
        self.shape = shape
        self.classCount = classCount
    }
}
