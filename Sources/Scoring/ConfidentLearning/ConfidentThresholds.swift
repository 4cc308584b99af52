/// The mean self-confidence of each class, from sums that add up over images and over parts of a data set.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/count.py`, `get_confident_thresholds`.
package struct ConfidentThresholds: Codable, Equatable, Sendable {
    /// No threshold is lower; it is that of a class which nothing is labelled as.
    package static let lowerBound = 2e-6

    /// A probability is confident from this much below its threshold on, so that rounding decides nothing.
    static let margin = 1e-6

    /// `(K,)`: for each class the probabilities of it, added up over the cells labelled so.
    package private(set) var sums: [Double]

    /// `(K,)`: the number of cells labelled so.
    package private(set) var counts: [Int64]

    /// - Parameters:
    ///   - classCount: K.
    package init(classCount: Int) {
        sums = [Double](repeating: 0, count: classCount)
        counts = [Int64](repeating: 0, count: classCount)
    }

    /// `(K,)`: the thresholds of what has been added.
    package var values: [Double] {
        zip(sums, counts).map { sum, count in
            count == 0 ? Self.lowerBound : max(sum / Double(count), Self.lowerBound)
        }
    }

    /// Reads what was written before; what is there now may be anything.
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

    /// Adds what was summed up elsewhere, of the same classes.
    package mutating func add(_ other: ConfidentThresholds) {
        precondition(other.sums.count == sums.count)
        for index in sums.indices {
            sums[index] += other.sums[index]
            counts[index] += other.counts[index]
        }
    }
}

extension ConfidentThresholds {
    /// Adds up what images have, which may come in any order, in the order of images: sums are rounded, and so the same however
    /// many lanes there were.
    struct InOrder: Sendable {
        private(set) var total: ConfidentThresholds
        private var next = 0
        /// Of images behind one that has not come yet.
        private var waiting: [Int: ConfidentThresholds] = [:]

        init(classCount: Int) {
            total = ConfidentThresholds(classCount: classCount)
        }

        /// Adds what an image has, once for each.
        mutating func add(_ ofImage: ConfidentThresholds, of image: Int) {
            waiting[image] = ofImage
            while let ofNext = waiting.removeValue(forKey: next) {
                total.add(ofNext)
                next += 1
            }
        }
    }
}
