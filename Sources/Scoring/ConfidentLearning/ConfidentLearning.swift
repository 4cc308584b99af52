import Memory
import Synchronization

/// Finds label issues by confident learning, and scores each image by the share of its pixels that are no label issues.
///
/// One pass over the probabilities is all it needs: <doc:NumPixelIssues> states the algorithm, and why the pass is
/// enough.
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
    /// Images of all parts decide together, as if they came in one array, the images of the first part first.
    ///
    /// - Parameters:
    ///   - parts: At least one part, all of as many classes and of scores of one type. Each part has a size of images
    ///     of its own. The parts are consumed: their scores become the result's, 1 at ignored pixels. Blocks in them
    ///     were made with the same ignored label.
    ///   - loop: The loop that goes over the images.
    ///   - progress: Called as ``ImageLoop`` says in the last step, and with 0 in the steps before; `false` ends the
    ///     work.
    /// - Returns: Each part's scores with their ``SegmentationScores/labelIssues``, or nil if `progress` ended the
    ///   work.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time; beside the scores, memory of one byte a pixel, and for each lane of one byte a cell
    ///   of an image.
    package func score(
        _ parts: consuming [ScoredPixels], on loop: ImageLoop = .serial,
        progress: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) throws(ScoringError) -> [SegmentationScores]? {
        let parts = parts
        let cells = parts.map { $0.cells(ignored: $0.labels.code(ofIgnored: ignoredLabel)) }
        let passes = CellPasses(cells, on: loop, isWanted: { progress(0) })
        guard let (thresholds, lowCount) = try thresholds(passes, parts) else { return nil }
        guard let issueCount = countIssues(passes, thresholds) else { return nil }
        let cut = try Cut(of: issueCount, passes, lowCount: lowCount)
        guard issueCount == 0 || cut != nil else { return nil }

        guard let marks = try mark(passes, cut: cut, parts, progress) else { return nil }
        let statistics = LabelIssues.Statistics(
            downsample: cells[0].side, cellCount: Int(thresholds.counts.reduce(0, +)), thresholds: thresholds,
            issueCount: issueCount, cut: cut)
        return parts.indices.map { index in
            let (pixels, marks) = (parts[index], marks[index])
            return SegmentationScores(
                shape: pixels.shape, imageScores: marks.imageScores, pixelScores: pixels.scores,
                labels: pixels.labels, predicted: pixels.predicted, largest: pixels.largest,
                labelIssues: LabelIssues(mask: marks.mask, counts: marks.counts, statistics: statistics))
        }
    }

    /// Proves the labels, finds the confident thresholds, and counts the low scores.
    private func thresholds(
        _ passes: CellPasses, _ parts: [ScoredPixels]
    ) throws(ScoringError) -> (ConfidentThresholds, lowCount: Int)? {
        let ignoredLabel = ignoredLabel
        let classCount = passes.parts[0].classCount
        let room = try reserve(classCount * ExactSums.bytesOfSum)
        defer { withExtendedLifetime(room) {} }
        let total = Mutex(ClassSums.Total(classCount: classCount))
        let lowCounts = try passes.count { (image, _) throws(ScoringError) in
            try parts[image.part].settle(image: image.indexInPart, ignoredLabel: ignoredLabel)
            let sums = ClassSums(image.cells, image.range)
            total.withLock { $0.add(sums) }
            return Cut.countLow(image.cells, image.range)
        }
        return lowCounts.map { (total.withLock { $0.thresholds }, $0.reduce(0, +)) }
    }

    /// Counts n.
    private func countIssues(_ passes: CellPasses, _ thresholds: ConfidentThresholds) -> Int? {
        let lowest = thresholds.values.map { $0 - ConfidentThresholds.margin }
        return passes.count { image, _ in
            Kernels.countConfident(image.cells, image.range, thresholds: lowest)
        }?.reduce(0, +)
    }

    /// The label issues of a part, and the scores of its images.
    private struct Marks {
        let mask: Buffer<UInt8>
        /// `(N,)`: the number of marks of each image.
        let counts: Buffer<Int>
        let imageScores: Buffer<Double>
    }

    /// Marks the label issues: pixels of candidates whose own most probable class is not their own label.
    private func mark(
        _ passes: CellPasses, cut: Cut?, _ parts: [ScoredPixels], _ progress: @escaping @Sendable (Int) -> Bool
    ) throws(ScoringError) -> [Marks]? {
        var marks: [Marks] = []
        for part in parts {
            let count = part.shape.imageCount
            let imageScores: Buffer<Double> = try allocate(count)
            imageScores.withMutableSpan { span in
                for image in 0..<count { span[image] = 1 }
            }
            marks.append(
                Marks(
                    mask: try allocate(part.shape.pixelCount, isZeroed: cut == nil),
                    counts: try allocate(count), imageScores: imageScores))
        }
        guard let cut else { return marks }
        // The lists of numbers that follow, of each image, are counted as memory too.
        let lists = try reserve(4 * MemoryLayout<Int>.stride * passes.imageCount)
        defer { withExtendedLifetime(lists) {} }
        guard let ties = cut.ties(passes) else { return nil }
        var ofLanes: [Buffer<UInt8>] = []
        for _ in 0..<passes.laneCount { ofLanes.append(try allocate(passes.largestImage, isZeroed: false)) }
        let (candidates, made, ignoredLabel) = (ofLanes, marks, ignoredLabel)
        let counts = passes.count(progress: progress) { image, lane in
            let (pixels, made) = (parts[image.part], made[image.part])
            let ignored = pixels.labels.code(ofIgnored: ignoredLabel)
            Kernels.markLowest(
                image.cells, image.range, cut: cut.score, ties: ties[image.index], into: candidates[lane])
            let count = Self.markDisagreeing(
                candidates[lane], side: image.cells.side, image: image.indexInPart, of: pixels.shape.labels,
                labels: pixels.labels.codes, predicted: pixels.predicted, ignored: ignored, into: made.mask)
            let kept = pixels.labels.countKept(image: image.indexInPart, ignored: ignored)
            if kept > 0 {
                made.imageScores.withMutableSpan { $0[image.indexInPart] = 1 - Double(count) / Double(kept) }
            }
            return count
        }
        guard let counts else { return nil }
        for part in parts.indices {
            let images = passes.images(ofPart: part)
            marks[part].counts.withMutableSpan { span in
                for index in span.indices { span[index] = counts[images.lowerBound + index] }
            }
        }
        return marks
    }

    /// Marks the pixels of an image that are in a candidate and not predicted as their label.
    ///
    /// - Parameters:
    ///   - candidates: The marks of the image's cells.
    ///   - side: The extent of a cell in pixels.
    /// - Returns: How many pixels were marked.
    static func markDisagreeing(
        _ candidates: Buffer<UInt8>, side: Int, image: Int, of shape: LabelShape, labels: ClassCodes,
        predicted: ClassCodes?, ignored: Int32, into mask: Buffer<UInt8>
    ) -> Int {
        guard let predicted else { preconditionFailure("confident learning has needed them") }
        let (height, width) = (shape.height, shape.width)
        // If cells are pixels, all rows are done at once, since no row has to find its blocks.
        let rowsAtOnce = side == 1 ? height : 1
        return stride(from: 0, to: height, by: rowsAtOnce).reduce(0) { count, row in
            let first = (image * height + row) * width
            return count
                + Kernels.markDisagreeing(
                    candidates, at: row / side * (width / side), side: side, labels: labels, predicted: predicted,
                    first..<first + rowsAtOnce * width, ignored: ignored, into: mask)
        }
    }
}
