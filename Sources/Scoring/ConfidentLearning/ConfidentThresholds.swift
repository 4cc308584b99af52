/// The mean self-confidence of each class, from sums that add up over images and over parts of a data set.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/count.py`, `get_confident_thresholds`.
package struct ConfidentThresholds: Equatable, Sendable {
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

    /// Adds the cells of one image. Sums over it are made first, so that the order of images is all that matters.
    mutating func add(_ cells: ConfidenceCells, _ range: Range<Int>) {
        var image = ConfidentThresholds(classCount: sums.count)
        Kernels.sumByLabel(cells, range, sums: &image.sums, counts: &image.counts)
        add(image)
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
