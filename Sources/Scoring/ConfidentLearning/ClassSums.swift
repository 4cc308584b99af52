/// Of the cells of one image that are labelled as each class, the self-confidence, added up, and the number.
///
/// They are added up in the order of the cells, so that they are the same on every processor.
struct ClassSums: Sendable {
    /// `(K,)`.
    private(set) var sums: [Double]

    /// `(K,)`.
    private(set) var counts: [Int64]

    init(_ cells: ConfidenceCells, _ range: Range<Int>) {
        sums = [Double](repeating: 0, count: cells.classCount)
        counts = [Int64](repeating: 0, count: cells.classCount)
        Kernels.sumByLabel(cells, range, sums: &sums, counts: &counts)
    }

    /// The sums of all images of a data set, in whatever order they are added.
    struct Total: Sendable {
        private var sums: ExactSums
        private var counts: [Int64]

        init(classCount: Int) {
            sums = ExactSums(count: classCount)
            counts = [Int64](repeating: 0, count: classCount)
        }

        mutating func add(_ image: ClassSums) {
            for index in counts.indices where image.counts[index] > 0 {
                sums.add(image.sums[index], to: index)
                counts[index] += image.counts[index]
            }
        }

        var thresholds: ConfidentThresholds {
            ConfidentThresholds(
                sums: counts.indices.map { sums[$0] }, parts: counts.indices.map { sums.parts(of: $0) }, counts: counts)
        }
    }
}
