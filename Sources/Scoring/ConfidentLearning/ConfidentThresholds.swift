/// The mean self-confidence of each class, from sums that add up over images and over parts of a data set.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/count.py`, `get_confident_thresholds`.
package struct ConfidentThresholds: Codable, Equatable, Sendable {
    /// The lowest threshold, and that of a class which no cell is labelled as.
    package static let lowerBound = 2e-6

    /// How far below its threshold a probability is confident already, so that rounding decides nothing.
    static let margin = 1e-6

    /// `(K,)`: the self-confidence of the cells labelled as each class, added up.
    package private(set) var sums: [Double]

    /// `(K,)`: the number of cells labelled as each class.
    package private(set) var counts: [Int64]

    /// - Parameters:
    ///   - classCount: K.
    package init(classCount: Int) {
        sums = [Double](repeating: 0, count: classCount)
        counts = [Int64](repeating: 0, count: classCount)
    }

    /// `(K,)`: the thresholds of the cells that have been added.
    package var values: [Double] {
        zip(sums, counts).map { sum, count in
            count == 0 ? Self.lowerBound : max(sum / Double(count), Self.lowerBound)
        }
    }

    /// Reads sums that were written before. The file may have been changed since, so they are checked.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        sums = try values.decode([Double].self, forKey: .sums)
        counts = try values.decode([Int64].self, forKey: .counts)
        guard sums.count == counts.count else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "Not every class has a sum and a count."))
        }
    }

    /// Adds up the cells of one image.
    init(_ cells: ConfidenceCells, _ range: Range<Int>) {
        self.init(classCount: cells.classCount)
        Kernels.sumByLabel(cells, range, sums: &sums, counts: &counts)
    }

    /// Adds the sums of other cells, of the same classes.
    package mutating func add(_ other: ConfidentThresholds) {
        precondition(other.sums.count == sums.count)
        for index in sums.indices {
            sums[index] += other.sums[index]
            counts[index] += other.counts[index]
        }
    }
}

extension ConfidentThresholds {
    /// Adds up the sums of images in the order of the images, whatever order they come in. Sums are rounded, so that
    /// only this makes them the same however many lanes there are.
    struct InOrder: Sendable {
        private(set) var total: ConfidentThresholds
        private var next = 0
        /// The sums of images behind one that has not come yet.
        private var waiting: [Int: ConfidentThresholds] = [:]

        init(classCount: Int) {
            total = ConfidentThresholds(classCount: classCount)
        }

        /// Adds the sums of an image, once for each.
        mutating func add(_ ofImage: ConfidentThresholds, of image: Int) {
            waiting[image] = ofImage
            while let ofNext = waiting.removeValue(forKey: next) {
                total.add(ofNext)
                next += 1
            }
        }
    }
}
