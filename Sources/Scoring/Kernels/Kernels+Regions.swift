import CScoringKernels
import Memory

extension Kernels {
    /// Neighbouring marked pixels of a row that have the same label and the same predicted class.
    typealias Run = segscore_run

    /// What is known of a pixel of the row above.
    typealias Corner = segscore_corner

    /// Finds the runs of a row's marked pixels, each of which is predicted as another class than its label.
    ///
    /// - Parameters:
    ///   - marks: Marks, of which the row's are those from `place` on.
    ///   - counting: The marks of the row's pixels that have a margin; nil if none has.
    ///   - corners: `(2, W)`, of which the part `parity` is written, and the other one looked at if `isBelow`.
    ///   - runs: `(2, W)`, of which the same part is written.
    ///   - oldCount: How many runs this part has of a row before.
    /// - Returns: How many runs there are.
    static func findRuns(
        _ marks: Buffer<UInt8>, at place: Int, counting: Buffer<UInt8>?, scores: PixelScores, largest: PixelScores,
        labels: ClassCodes, predicted: ClassCodes, _ pixels: Range<Int>, floor: Double, isBelow: Bool,
        corners: Buffer<Corner>, runs: Buffer<Run>, parity: Int, oldCount: Int
    ) -> Int {
        let (first, width) = (pixels.lowerBound, pixels.count)
        for count in [scores.count, largest.count, labels.count, predicted.count] { checkBounds(count, first, width) }
        checkBounds(marks.count, place, width)
        if let counting { checkBounds(counting.count, 0, width) }
        precondition(corners.count == 2 * width && runs.count == 2 * width && (0...1).contains(parity))
        precondition(labels.isWide == predicted.isWide && scores.elementType == largest.elementType)
        precondition(oldCount <= width)
        return unsafe loops.find_runs(
            marks.mutableElements + place, counting?.mutableElements, scores.pointer(at: first),
            largest.pointer(at: first), labels.pointer(at: first), predicted.pointer(at: first), width, floor,
            isBelow ? corners.mutableElements + (1 - parity) * width : nil, corners.mutableElements + parity * width,
            runs.mutableElements + parity * width, oldCount)
    }
}
