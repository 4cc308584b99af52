/// The extents of a scoring: `(N, K, H, W)`, each at least 1, in which all axes of a space of other dimensions but the
/// last are H rows.
package struct ScoringShape: Codable, Equatable, Sendable {
    /// The extents of the labels, by which answers are shaped.
    package private(set) var labels: LabelShape
    package let classCount: Int

    package var imageCount: Int { labels.imageCount }
    package var height: Int { labels.height }
    package var width: Int { labels.width }

    /// H·W.
    package var pixelsPerImage: Int { labels.pixelsPerImage }

    /// N·H·W.
    package var pixelCount: Int { labels.pixelCount }

    /// The largest K: labels are kept in two bytes, of which one value means "none of the classes".
    package static let classLimit = 65_535

    /// Matches the shape of `pred_probs` against that of `labels`.
    ///
    /// - Parameters:
    ///   - labels: The shape of labels.
    ///   - predictedProbabilities: The shape of predictions as ``AxisReading/plain(_:)`` has it, which may be anything.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/shapeMismatch(_:expected:actual:)`` or ``ScoringError/tooManyClasses(_:limit:)``.
    package init(labels: LabelShape, predictedProbabilities shape: [Int]) throws(ScoringError) {
        guard shape.count == 4 else { throw .rank(.predictedProbabilities, expected: 4, shape: shape) }
        guard !shape.contains(0) else { throw .emptyArray(.predictedProbabilities, shape: shape) }
        guard labels.plain == [shape[0], shape[2], shape[3]] else {
            throw .shapeMismatch(
                .predictedProbabilities, expected: [labels.imageCount, shape[1], labels.height, labels.width],
                actual: shape)
        }
        try self.init(labels: labels, classCount: shape[1])
    }

    /// - Parameters:
    ///   - labels: The shape of labels.
    ///   - classCount: K, at least 1.
    /// - Throws: ``ScoringError/tooManyClasses(_:limit:)``.
    package init(labels: LabelShape, classCount: Int) throws(ScoringError) {
        guard classCount <= Self.classLimit else { throw .tooManyClasses(classCount, limit: Self.classLimit) }
        self.labels = labels
        self.classCount = classCount
    }

    /// The same extents, of labels with an axis of images.
    package var withImageAxis: ScoringShape {
        var copy = self
        copy.labels = LabelShape(imageCount: imageCount, space: labels.space)
        return copy
    }

    /// The names in files. Earlier versions have written none but the first four.
    private enum CodingKeys: String, CodingKey {
        case imageCount, classCount, height, width, space, hasImageAxis
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(imageCount, forKey: .imageCount)
        try values.encode(classCount, forKey: .classCount)
        try values.encode(height, forKey: .height)
        try values.encode(width, forKey: .width)
        if labels.space.count != 2 { try values.encode(labels.space, forKey: .space) }
        if !labels.hasImageAxis { try values.encode(false, forKey: .hasImageAxis) }
    }

    /// Reads a shape that was written before. The file may have been changed since, so it is checked.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let imageCount = try values.decode(Int.self, forKey: .imageCount)
        classCount = try values.decode(Int.self, forKey: .classCount)
        let height = try values.decode(Int.self, forKey: .height)
        let width = try values.decode(Int.self, forKey: .width)
        let space = try values.decodeIfPresent([Int].self, forKey: .space) ?? [height, width]
        let hasImageAxis = try values.decodeIfPresent(Bool.self, forKey: .hasImageAxis) ?? true
        // The dozens of bytes that each pixel takes in a file must be countable in an Int.
        let room = space.reduce(1 << 50) { $0 / max($1, 1) }
        guard imageCount <= room, imageCount >= 1, (1...Self.classLimit).contains(classCount),
            (1..<AxisReading.rankLimit).contains(space.count), space.allSatisfy({ $0 >= 1 }),
            hasImageAxis || imageCount == 1
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "No images have this shape."))
        }
        labels = LabelShape(imageCount: imageCount, space: space, hasImageAxis: hasImageAxis)
        guard (labels.height, labels.width) == (height, width) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "Two shapes contradict each other."))
        }
    }

    /// The greatest extent of a block, since its pixels are counted in 32 bits.
    package static let blockSideLimit = Int(UInt16.max)

    /// Proves that images can be cut into blocks.
    ///
    /// - Parameters:
    ///   - downsample: The extent of the blocks, at least 1.
    /// - Throws: ``ScoringError/downsample(_:height:width:)`` or ``ScoringError/downsampleOfSpace(_:space:)``.
    package func check(downsample: Int) throws(ScoringError) {
        guard downsample == 1 || labels.space.count == 2 else {
            throw .downsampleOfSpace(downsample, space: labels.space)
        }
        guard downsample <= Self.blockSideLimit, height % downsample == 0, width % downsample == 0 else {
            throw .downsample(downsample, height: height, width: width)
        }
    }

    /// The place of a pixel.
    ///
    /// - Parameter index: The index of the pixel in the shape of labels, last index fastest.
    func position(of index: Int) -> ScoringError.Position { labels.position(of: index) }
}
