/// The mean self-confidence of each class, from sums that are exact until they are rounded once.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/count.py`, `get_confident_thresholds`.
package struct ConfidentThresholds: Codable, Equatable, Sendable {
    /// The lowest threshold, and that of a class which no cell is labelled as.
    package static let lowerBound = 2e-6

    /// How far below its threshold a probability is confident already, so that rounding decides nothing.
    static let margin = 1e-6

    /// `(K,)`: the self-confidence of the cells labelled as each class, added up.
    package let sums: [Double]

    /// `(K,)`: each class's sum as numbers whose exact sum it is before it is rounded, the largest first. Those of
    /// several data sets together add up to the sum over all of them.
    package let parts: [[Double]]

    /// `(K,)`: the number of cells labelled as each class.
    package let counts: [Int64]

    init(sums: [Double], parts: [[Double]], counts: [Int64]) {
        precondition(sums.count == counts.count && parts.count == counts.count)
        (self.sums, self.parts, self.counts) = (sums, parts, counts)
    }

    /// `(K,)`: the thresholds of the cells that have been added.
    package var values: [Double] {
        zip(sums, counts).map { sum, count in
            count == 0 ? Self.lowerBound : max(sum / Double(count), Self.lowerBound)
        }
    }

    /// Reads sums that were written before. The file may have been changed since, so they are checked. What was written
    /// before there were parts has none, and its sums are taken for exact.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        sums = try values.decode([Double].self, forKey: .sums)
        counts = try values.decode([Int64].self, forKey: .counts)
        parts = try values.decodeIfPresent([[Double]].self, forKey: .parts) ?? sums.map { $0 == 0 ? [] : [$0] }
        guard sums.count == counts.count, parts.count == counts.count else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "Not every class has a sum and a count."))
        }
    }
}
