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
    ///   - progress: Called after each image of the last step with the number done, and with 0 in the steps before;
    ///     `false` ends the work.
    /// - Returns: The scores with their ``SegmentationScores/labelIssues``, or nil where `progress` ended the work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time; one byte a pixel and one a block beside the scores.
    package func score(
        _ pixels: consuming ScoredPixels, progress: (Int) -> Bool = { _ in true }
    ) throws(ScoringError) -> SegmentationScores? {
        let shape = pixels.shape
        let ignored = pixels.labels.code(ofIgnored: ignoredLabel)
        for image in 0..<shape.imageCount {
            guard progress(0) else { return nil }
            try pixels.settle(image: image, ignoredLabel: ignoredLabel)
        }

        let cells = pixels.cells(ignored: ignored)
        let images = cells.images(shape.imageCount)
        var thresholds = ConfidentThresholds(classCount: shape.classCount)
        for image in images {
            guard progress(0) else { return nil }
            thresholds.add(cells, image)
        }
        guard let issueCount = countIssues(cells, images, &pixels, thresholds, progress) else { return nil }
        let cut = Cut(of: issueCount, cells, images) { progress(0) }
        guard issueCount == 0 || cut != nil else { return nil }

        let marks = try mark(cells, images, cut: cut, pixels, ignored: ignored, progress)
        guard let (mask, counts) = marks else { return nil }
        let imageScores: Buffer<Double> = try allocate(shape.imageCount)
        for (image, count) in counts.enumerated() {
            let kept = pixels.labels.countKept(image: image, ignored: ignored)
            imageScores.withMutableSpan { $0[image] = kept == 0 ? 1 : 1 - Double(count) / Double(kept) }
        }
        let statistics = LabelIssues.Statistics(
            downsample: cells.side, cellCount: Int(thresholds.counts.reduce(0, +)), thresholds: thresholds,
            issueCount: issueCount, cut: cut)
        return SegmentationScores(
            shape: shape, imageScores: imageScores, pixelScores: pixels.scores, labels: pixels.labels,
            predicted: pixels.predicted,
            labelIssues: LabelIssues(mask: mask, counts: counts, statistics: statistics))
    }

    /// n. Lets go of the largest probabilities, which nothing needs afterwards.
    private func countIssues(
        _ cells: ConfidenceCells, _ images: [Range<Int>], _ pixels: inout ScoredPixels,
        _ thresholds: ConfidentThresholds, _ progress: (Int) -> Bool
    ) -> Int? {
        let largest = pixels.takeLargest()
        let lowest = thresholds.values.map { $0 - ConfidentThresholds.margin }
        var count = 0
        for image in images {
            guard progress(0) else { return nil }
            count += Kernels.countConfident(cells, image, largest: largest, thresholds: lowest)
        }
        return count
    }

    /// The label issues: candidates that the full-size prediction does not take for what they are labelled as.
    private func mark(
        _ cells: ConfidenceCells, _ images: [Range<Int>], cut: Cut?, _ pixels: borrowing ScoredPixels, ignored: Int32,
        _ progress: (Int) -> Bool
    ) throws(ScoringError) -> (mask: Buffer<UInt8>, counts: [Int])? {
        let (height, width) = (pixels.shape.height, pixels.shape.width)
        let plane = height * width
        let mask: Buffer<UInt8> = try allocate(pixels.shape.pixelCount, isZeroed: cut == nil)
        var counts = [Int](repeating: 0, count: images.count)
        guard let cut else { return (mask, counts) }
        let candidates: Buffer<UInt8> = try allocate(plane / cells.side / cells.side, isZeroed: false)
        var ties = cut.ties
        for (image, range) in images.enumerated() {
            ties -= Kernels.markLowest(cells, range, cut: cut.score, ties: ties, into: candidates, at: 0)
            // Pixels need no rows to find their blocks: they are these.
            let rowsAtOnce = cells.side == 1 ? height : 1
            for row in stride(from: 0, to: height, by: rowsAtOnce) {
                let first = image * plane + row * width
                counts[image] += Kernels.markDisagreeing(
                    candidates, at: row / cells.side * (width / cells.side), side: cells.side,
                    labels: pixels.labels.codes, predicted: pixels.predicted, first..<first + rowsAtOnce * width,
                    ignored: ignored, into: mask)
            }
            guard progress(image + 1) else { return nil }
        }
        return (mask, counts)
    }
}
