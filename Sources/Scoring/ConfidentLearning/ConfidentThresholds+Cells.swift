extension ConfidentThresholds {
    /// Adds up the cells of one image.
    init(_ cells: ConfidenceCells, _ range: Range<Int>) {
        self.init(classCount: cells.classCount)
        Kernels.sumByLabel(cells, range, sums: &sums, counts: &counts)
    }

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
