/// The extents of a scoring: `(N, K, H, W)`, each at least 1.
package struct ScoringShape: Codable, Equatable, Sendable {
    package let imageCount: Int
    package let classCount: Int
    package let height: Int
    package let width: Int

    /// H·W.
    package var pixelsPerImage: Int { height * width }

    /// N·H·W.
    package var pixelCount: Int { imageCount * pixelsPerImage }

    /// The largest K: labels are kept in two bytes, of which one value means "none of the classes".
    package static let classLimit = 65_535

    /// Matches the shape of `pred_probs` against that of `labels`.
    ///
    /// - Parameters:
    ///   - labels: `(N, H, W)`, each at least 1.
    ///   - predictedProbabilities: The shape as a client sent it, which may be anything.
    /// - Throws: ``ScoringError/rank(_:expected:shape:)``, ``ScoringError/emptyArray(_:shape:)``,
    ///   ``ScoringError/shapeMismatch(_:expected:actual:)`` or ``ScoringError/tooManyClasses(_:limit:)``.
    package init(labels: [Int], predictedProbabilities shape: [Int]) throws(ScoringError) {
        precondition(labels.count == 3)
        guard shape.count == 4 else { throw .rank(.predictedProbabilities, expected: 4, shape: shape) }
        guard !shape.contains(0) else { throw .emptyArray(.predictedProbabilities, shape: shape) }
        guard labels == [shape[0], shape[2], shape[3]] else {
            throw .shapeMismatch(
                .predictedProbabilities, expected: [labels[0], shape[1], labels[1], labels[2]], actual: shape)
        }
        guard shape[1] <= Self.classLimit else { throw .tooManyClasses(shape[1], limit: Self.classLimit) }
        imageCount = shape[0]
        classCount = shape[1]
        height = shape[2]
        width = shape[3]
    }

    /// Reads a shape that was written before. The file may have been changed since, so it is checked.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        imageCount = try values.decode(Int.self, forKey: .imageCount)
        classCount = try values.decode(Int.self, forKey: .classCount)
        height = try values.decode(Int.self, forKey: .height)
        width = try values.decode(Int.self, forKey: .width)
        // The dozens of bytes that each pixel takes in a file must be countable in an Int.
        let room = [height, width].reduce(1 << 50) { $0 / max($1, 1) }
        guard imageCount <= room, imageCount >= 1, height >= 1, width >= 1, (1...Self.classLimit).contains(classCount)
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "No images have this shape."))
        }
    }

    /// The greatest extent of a block, since its pixels are counted in 32 bits.
    package static let blockSideLimit = Int(UInt16.max)

    /// Proves that images can be cut into blocks.
    ///
    /// - Parameters:
    ///   - downsample: The extent of the blocks, at least 1.
    /// - Throws: ``ScoringError/downsample(_:height:width:)``.
    package func check(downsample: Int) throws(ScoringError) {
        guard downsample <= Self.blockSideLimit, height % downsample == 0, width % downsample == 0 else {
            throw .downsample(downsample, height: height, width: width)
        }
    }

    /// The place of a pixel.
    ///
    /// - Parameter index: The index of the pixel in `(N, H, W)`, last index fastest.
    func position(of index: Int) -> ScoringError.Position {
        ScoringError.Position(pixel: index, height: height, width: width)
    }
}

extension ScoringError.Position {
    init(pixel index: Int, height: Int, width: Int) {
        self.init(image: index / width / height, row: index / width % height, column: index % width)
    }
}
