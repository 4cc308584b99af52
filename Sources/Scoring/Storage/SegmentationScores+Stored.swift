package import Files
package import Memory

/// Scores as two files hold them. One is the file of the pixels. The other has what scoring adds to them: the scores of
/// the images and, with label issues, their number in each image and their mask.
extension SegmentationScores {
    /// The contents of the file of the pixels.
    package var storedPixels: (contents: StoredPixels, arrays: [any StableBytes]) {
        ScoredPixels(
            shape: shape, labels: labels, scores: pixelScores, predicted: predicted, largest: largest, blocks: nil,
            isSettled: true
        ).stored
    }

    /// The arrays of the other file.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)``.
    package func storedScores() throws(MemoryError) -> [any StableBytes] {
        guard let labelIssues else { return [imageScores] }
        return [imageScores, labelIssues.counts, labelIssues.mask]
    }

    /// The size of the other file.
    package static func storedByteCount(_ shape: ScoringShape, hasLabelIssues: Bool) -> Int {
        ArrayFile.offsets(of: storedSizes(shape, hasLabelIssues: hasLabelIssues)).byteCount
    }

    /// The ``byteCount`` of scores that are in files.
    package static func byteCount(_ contents: StoredPixels, hasLabelIssues: Bool) -> Int {
        let scores = contents.shape.imageCount * 8 + (hasLabelIssues ? contents.shape.pixelCount : 0)
        return contents.withoutBlocks.sizes.reduce(scores, +)
    }

    /// The sizes of the arrays of the other file, in bytes, in the order of the file.
    package static func storedSizes(_ shape: ScoringShape, hasLabelIssues: Bool) -> [Int] {
        [shape.imageCount * 8] + (hasLabelIssues ? [shape.imageCount * 8, shape.pixelCount] : [])
    }

    /// Reads scores from their files.
    ///
    /// - Parameters:
    ///   - statistics: Nil for scores without label issues.
    /// - Throws: ``FileError/system(operation:path:code:)``, or ``FileError/endOfFile(path:)`` if a file is shorter
    ///   than it was written.
    package init(
        _ contents: StoredPixels, path: String, scoresPath: String, statistics: LabelIssues.Statistics?
    ) throws(FileError) {
        let pixels = try ScoredPixels(contents, path: path)
        let shape = pixels.shape
        let hasLabelIssues = statistics != nil
        let file = try MappedFile(
            path: scoresPath, byteCount: Self.storedByteCount(shape, hasLabelIssues: hasLabelIssues))
        let offsets = ArrayFile.offsets(of: Self.storedSizes(shape, hasLabelIssues: hasLabelIssues)).offsets
        let labelIssues = statistics.map { statistics in
            LabelIssues(
                mask: file.buffer(at: offsets[2], count: shape.pixelCount),
                counts: file.buffer(at: offsets[1], count: shape.imageCount), statistics: statistics)
        }
        self.init(
            shape: shape, imageScores: file.buffer(at: offsets[0], count: shape.imageCount),
            pixelScores: pixels.scores, labels: pixels.labels, predicted: pixels.predicted,
            largest: pixels.largest, labelIssues: labelIssues)
    }
}
