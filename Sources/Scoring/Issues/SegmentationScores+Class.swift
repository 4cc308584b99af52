package import Memory

extension SegmentationScores {
    /// The issues that involve a class: pixels that are labelled as it, and pixels that it is most probable for.
    ///
    /// - Parameters:
    ///   - classIndex: A class in `0..<K`. All probabilities have been looked at, so that the most probable classes are
    ///     known.
    ///   - mask: One byte a pixel of `pixels`, 1 at an issue.
    ///   - pixels: Indices into `(N, H, W)`.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - SeeAlso: cleanlab/cleanlab `cleanlab/segmentation/summary.py`, `filter_by_class`.
    package func issues(
        ofClass classIndex: Int, among mask: borrowing Span<UInt8>, _ pixels: Range<Int>
    ) throws(ScoringError) -> Buffer<UInt8> {
        guard mask.count == pixels.count, let predicted else { preconditionFailure("a mask, and predicted classes") }
        let result: Buffer<UInt8>
        do throws(MemoryError) {
            result = try Buffer(copying: mask)
        } catch {
            throw .memory(error)
        }
        Kernels.keepClass(classIndex, labels: labels.codes, predicted: predicted, pixels, in: result)
        return result
    }
}
