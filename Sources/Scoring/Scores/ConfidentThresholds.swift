/// The mean self-confidence of each class, from sums that add up over images and over parts of a data set.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/count.py`, `get_confident_thresholds`.
package struct ConfidentThresholds: Codable, Equatable, Sendable {
    /// The lowest threshold, and that of a class which no cell is labelled as.
    package static let lowerBound = 2e-6

    /// How far below its threshold a probability is confident already, so that rounding decides nothing.
    static let margin = 1e-6

    /// `(K,)`: the self-confidence of the cells labelled as each class, added up.
    package internal(set) var sums: [Double]

    /// `(K,)`: the number of cells labelled as each class.
    package internal(set) var counts: [Int64]

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

    /// Adds the sums of other cells, of the same classes.
    package mutating func add(_ other: ConfidentThresholds) {
        precondition(other.sums.count == sums.count)
        for index in sums.indices {
            sums[index] += other.sums[index]
            counts[index] += other.counts[index]
        }
    }
}
