package import Files
package import Memory

/// A description of a file of ``ScoredPixels``: all that has to be known to read it, and nothing of its elements.
///
/// The file has the score of each pixel, the code of its label, and if they are known the code of its most probable
/// class and the probability of that one. Behind these come the blocks that confident learning looks at, if it does; a
/// file may be cut off in front of them.
package struct StoredPixels: Codable, Equatable, Sendable {
    package let shape: ScoringShape
    package let hasFloat64: Bool
    let hasWideCodes: Bool
    package let hasPredicted: Bool
    /// Whether the largest probabilities of pixels are there.
    package let hasLargest: Bool
    let others: [LabelMap.Other]
    /// The rule by which labels became classes; files of earlier versions have none.
    private(set) var labelRule: LabelRuleKind?
    /// The extent of the blocks; nil if the file has none.
    private(set) var blockSide: Int?

    /// The same pixels without the blocks.
    package var withoutBlocks: StoredPixels {
        var copy = self
        copy.blockSide = nil
        return copy
    }

    /// The size of the file.
    package var byteCount: Int { ArrayFile.offsets(of: sizes).byteCount }

    /// The sizes of the arrays, in bytes, in the order of the file.
    package var sizes: [Int] {
        let pixels = [scoreSize, codeSize] + (hasPredicted ? [codeSize] : []) + (hasLargest ? [scoreSize] : [])
        return pixels.map { $0 * shape.pixelCount } + blockSizes
    }

    /// The sizes of labels, counts, scores, largest probabilities and their classes.
    private var blockSizes: [Int] {
        guard let side = blockSide else { return [] }
        return [codeSize, 4, 8, 8, codeSize].map { $0 * (shape.pixelCount / side / side) }
    }

    private var scoreSize: Int { hasFloat64 ? 8 : 4 }
    private var codeSize: Int { hasWideCodes ? 2 : 1 }
}

extension StoredPixels {
    private enum CodingKeys: String, CodingKey {
        case shape, hasFloat64, hasWideCodes, hasPredicted, hasLargest, others, labelRule
        case blockSide = "cellSide"
    }

    /// Reads a description that was written before. It may have been changed since, so it is checked.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        shape = try values.decode(ScoringShape.self, forKey: .shape)
        hasFloat64 = try values.decode(Bool.self, forKey: .hasFloat64)
        hasWideCodes = try values.decode(Bool.self, forKey: .hasWideCodes)
        hasPredicted = try values.decode(Bool.self, forKey: .hasPredicted)
        others = try values.decode([LabelMap.Other].self, forKey: .others)
        labelRule = try values.decodeIfPresent(LabelRuleKind.self, forKey: .labelRule)
        // Earlier versions wrote the largest probabilities as blocks of one pixel, and only until a job was done.
        let writtenSide = try values.decodeIfPresent(Int.self, forKey: .blockSide)
        hasLargest = try values.decodeIfPresent(Bool.self, forKey: .hasLargest) ?? (writtenSide == 1)
        let side = writtenSide ?? 1
        blockSide = side == 1 ? nil : side
        guard (1...ScoringShape.blockSideLimit).contains(side), shape.height % side == 0, shape.width % side == 0,
            side == 1 || shape.labels.space.count == 2,
            others.allSatisfy({ (0..<shape.pixelCount).contains($0.pixel) })
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "No file holds such pixels."))
        }
    }
}

extension ScoredPixels {
    /// The pixels as a file holds them. They have been settled (``settle(ignoredLabel:)``), so that scoring does not
    /// change the file.
    package var stored: (contents: StoredPixels, arrays: [any StableBytes]) {
        precondition(isSettled)
        let contents = StoredPixels(
            shape: shape, hasFloat64: elementType.scalar == .float64, hasWideCodes: labels.codes.isWide,
            hasPredicted: predicted != nil, hasLargest: largest != nil, others: labels.others, labelRule: labels.rule,
            blockSide: blocks?.side)
        var arrays = [scores.storage, labels.codes.storage]
        if let predicted { arrays.append(predicted.storage) }
        if let largest { arrays.append(largest.storage) }
        if let blocks {
            arrays += [blocks.labels.storage, blocks.counts, blocks.scores, blocks.largest, blocks.predicted.storage]
        }
        return (contents, arrays)
    }

    /// Reads pixels from a file.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``, or ``FileError/endOfFile(path:)`` if the file is
    ///   shorter than it was written.
    package init(_ contents: StoredPixels, path: String) throws(FileError) {
        var arrays = StoredArrays(of: contents, in: try MappedFile(path: path, byteCount: contents.byteCount))
        let count = contents.shape.pixelCount
        let scores = arrays.nextScores(count)
        let labels = LabelMap(
            shape: contents.shape.labels, codes: arrays.nextCodes(count), others: contents.others,
            rule: contents.labelRule)
        let predicted = contents.hasPredicted ? arrays.nextCodes(count) : nil
        let largest = contents.hasLargest ? arrays.nextScores(count) : nil
        let blocks = contents.blockSide.map { arrays.nextBlocks(count / $0 / $0, side: $0) }
        self.init(
            shape: contents.shape, labels: labels, scores: scores, predicted: predicted, largest: largest,
            blocks: blocks, isSettled: true)
    }

    /// Whether the elements can be those of pixels: scores from 0 to 1, and classes below K, except one label that is
    /// ignored.
    ///
    /// It is asked of files that were written without checksums, since their classes are used as indices.
    package var isPlausible: Bool {
        guard scores.areProbabilities, largest?.areProbabilities ?? true,
            (blocks?.largest).map({ PixelScores.float64($0).areProbabilities }) ?? true
        else { return false }
        let cells = blocks.map { [$0.predicted] } ?? []
        let classes = ([predicted].compactMap(\.self) + cells).allSatisfy { $0.values(from: shape.classCount).isEmpty }
        let labels = [labels.codes] + (blocks.map { [$0.labels] } ?? [])
        return classes && labels.allSatisfy { $0.values(from: shape.classCount).count <= 1 }
    }
}

/// Hands out the arrays of a mapped file, one after the other.
private struct StoredArrays {
    private let contents: StoredPixels
    private let file: MappedFile
    private var offsets: ArraySlice<Int>

    init(of contents: StoredPixels, in file: MappedFile) {
        self.contents = contents
        self.file = file
        offsets = ArrayFile.offsets(of: contents.sizes).offsets[...]
    }

    private mutating func next<Element>(_ count: Int) -> Buffer<Element> {
        file.buffer(at: offsets.removeFirst(), count: count)
    }

    mutating func nextScores(_ count: Int) -> PixelScores {
        contents.hasFloat64 ? .float64(next(count)) : .float32(next(count))
    }

    mutating func nextCodes(_ count: Int) -> ClassCodes {
        contents.hasWideCodes ? .wide(next(count)) : .narrow(next(count))
    }

    mutating func nextBlocks(_ count: Int, side: Int) -> BlockProbabilities {
        BlockProbabilities(
            side: side, labels: nextCodes(count), counts: next(count), scores: next(count), largest: next(count),
            predicted: nextCodes(count))
    }
}
