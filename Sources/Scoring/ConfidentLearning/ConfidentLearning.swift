import Synchronization
import Tensors

/// Finds label issues by confident learning, and scores each image by the share of its pixels that are none.
///
/// From one pass over the probabilities: <doc:NumPixelIssues> states the algorithm, and why the pass is enough.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/segmentation/filter.py`, `cleanlab/experimental/label_issues_batched.py`.
package struct ConfidentLearning: Equatable, Sendable {
    /// A label value whose pixels take no part.
    package let ignoredLabel: Int64?

    package init(ignoredLabel: Int64? = nil) {
        self.ignoredLabel = ignoredLabel
    }

    /// Checks the labels, finds the label issues and scores every image.
    ///
    /// - Parameters:
    ///   - pixels: Consumed: its scores become the result's, 1 where a pixel is ignored. Blocks in it were made with the
    ///     same ignored label.
    ///   - loop: What goes over the images.
    ///   - progress: Called as ``ImageLoop`` says in the last step, and with 0 in the steps before; `false` ends the work.
    /// - Returns: The scores with their ``SegmentationScores/labelIssues``, or nil where `progress` ended the work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time; one byte a pixel, and for each lane one a block of an image, beside the scores.
    package func score(
        _ pixels: consuming ScoredPixels, on loop: ImageLoop = .serial,
        progress: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) throws(ScoringError) -> SegmentationScores? {
        let shape = pixels.shape
        let ignored = pixels.labels.code(ofIgnored: ignoredLabel)
        let passes = CellPasses(
            cells: pixels.cells(ignored: ignored), imageCount: shape.imageCount, loop: loop,
            isWanted: { progress(0) })
        let largest = pixels.takeLargest()
        let pixels = pixels
        guard let (thresholds, lowCount) = try thresholds(passes, pixels) else { return nil }
        guard let issueCount = countIssues(passes, consume largest, thresholds) else { return nil }
        let cut = try Cut(of: issueCount, passes, lowCount: lowCount)
        guard issueCount == 0 || cut != nil else { return nil }

        guard let marks = try mark(passes, cut: cut, pixels, ignored: ignored, progress) else { return nil }
        let statistics = LabelIssues.Statistics(
            downsample: passes.cells.side, cellCount: Int(thresholds.counts.reduce(0, +)), thresholds: thresholds,
            issueCount: issueCount, cut: cut)
        return SegmentationScores(
            shape: shape, imageScores: marks.imageScores, pixelScores: pixels.scores, labels: pixels.labels,
            predicted: pixels.predicted,
            labelIssues: LabelIssues(mask: marks.mask, counts: Array(marks.counts), statistics: statistics))
    }

    /// Proves the labels, averages what each class is given, and counts the low scores.
    private func thresholds(
        _ passes: CellPasses, _ pixels: borrowing ScoredPixels
    ) throws(ScoringError) -> (ConfidentThresholds, lowCount: Int)? {
        let (cells, pixels, ignoredLabel) = (passes.cells, copy pixels, ignoredLabel)
        let sums = Mutex(ConfidentThresholds.InOrder(classCount: cells.classCount))
        let lowCounts = try passes.count { (range, image) throws(ScoringError) in
            try pixels.settle(image: image, ignoredLabel: ignoredLabel)
            let ofImage = ConfidentThresholds(cells, range)
            sums.withLock { $0.add(ofImage, of: image) }
            return Cut.countLow(cells, range)
        }
        return lowCounts.map { (sums.withLock { $0.total }, $0.reduce(0, +)) }
    }

    /// n. Lets go of the largest probabilities, which nothing needs afterwards.
    private func countIssues(
        _ passes: CellPasses, _ largest: consuming PixelScores, _ thresholds: ConfidentThresholds
    ) -> Int? {
        let (cells, largest) = (passes.cells, largest)
        let lowest = thresholds.values.map { $0 - ConfidentThresholds.margin }
        return passes.count { range, _ in
            Kernels.countConfident(cells, range, largest: largest, thresholds: lowest)
        }?.reduce(0, +)
    }

    private struct Marks {
        let mask: Buffer<UInt8>
        /// `(N,)`: the marks of each image.
        let counts: [Int]
        let imageScores: Buffer<Double>
    }

    /// The label issues: candidates that the full-size prediction does not take for what they are labelled as.
    private func mark(
        _ passes: CellPasses, cut: Cut?, _ pixels: borrowing ScoredPixels, ignored: Int32,
        _ progress: @Sendable (Int) -> Bool
    ) throws(ScoringError) -> Marks? {
        let (cells, shape) = (passes.cells, pixels.shape)
        guard let predicted = pixels.predicted else { preconditionFailure("they were needed before") }
        let labels = pixels.labels
        let (height, width, plane) = (shape.height, shape.width, shape.pixelsPerImage)
        let mask: Buffer<UInt8> = try allocate(shape.pixelCount, isZeroed: cut == nil)
        let imageScores: Buffer<Double> = try allocate(shape.imageCount)
        guard let cut else {
            imageScores.withMutableSpan { span in
                for image in 0..<shape.imageCount { span[image] = 1 }
            }
            return Marks(mask: mask, counts: [Int](repeating: 0, count: shape.imageCount), imageScores: imageScores)
        }
        guard let ties = cut.ties(passes) else { return nil }
        let cellsPerImage = plane / cells.side / cells.side
        var candidates: [Buffer<UInt8>] = []
        for _ in 0..<passes.loop.laneCount(shape.imageCount, pixelsPerImage: plane) {
            candidates.append(try allocate(cellsPerImage, isZeroed: false))
        }
        // Pixels need no rows to find their blocks: they are these.
        let rowsAtOnce = cells.side == 1 ? height : 1
        let ofLanes = candidates
        let counts = Mutex([Int](repeating: 0, count: shape.imageCount))
        let isComplete = passes.loop.run(shape.imageCount, pixelsPerImage: plane, progress: progress) { image, lane in
            let candidates = ofLanes[lane]
            Kernels.markLowest(
                cells, image * cellsPerImage..<(image + 1) * cellsPerImage, cut: cut.score, ties: ties[image],
                into: candidates)
            var count = 0
            for row in stride(from: 0, to: height, by: rowsAtOnce) {
                let first = image * plane + row * width
                count += Kernels.markDisagreeing(
                    candidates, at: row / cells.side * (width / cells.side), side: cells.side, labels: labels.codes,
                    predicted: predicted, first..<first + rowsAtOnce * width, ignored: ignored, into: mask)
            }
            let kept = labels.countKept(image: image, ignored: ignored)
            imageScores.withMutableSpan { $0[image] = kept == 0 ? 1 : 1 - Double(count) / Double(kept) }
            counts.withLock { $0[image] = count }
        }
        return isComplete ? Marks(mask: mask, counts: counts.withLock { $0 }, imageScores: imageScores) : nil
    }
}
