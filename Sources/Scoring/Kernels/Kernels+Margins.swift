import CScoringKernels
import Memory

extension Kernels {
    /// Marks the pixels that are predicted as another class than their label, unless the label is ignored.
    ///
    /// - Parameters:
    ///   - ignored: The code of the ignored label; -1 for none.
    ///   - place: The index of the first pixel's mark.
    /// - Returns: How many pixels were marked.
    static func markDisagreeing(
        labels: ClassCodes, predicted: ClassCodes, _ pixels: Range<Int>, ignored: Int32, into marks: Buffer<UInt8>,
        at place: Int
    ) -> Int {
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        checkBounds(predicted.count, pixels.lowerBound, pixels.count)
        checkBounds(marks.count, place, pixels.count)
        precondition(labels.isWide == predicted.isWide)
        return unsafe loops.disagreeing(
            predicted.pointer(at: pixels.lowerBound), labels.pointer(at: pixels.lowerBound), pixels.count, ignored,
            marks.mutableElements + place)
    }

    /// Keeps the marks of a row whose eight neighbours are marked too. What is outside counts as marked.
    ///
    /// - Parameters:
    ///   - rows: Rows of marks, of which those that start at `row`, and at `above` and `below` unless nil, are looked at.
    ///   - scratch: Room for a row.
    ///   - marks: A row.
    /// - Returns: How many marks are kept.
    static func erode(
        _ rows: Buffer<UInt8>, above: Int?, row: Int, below: Int?, count: Int, scratch: Buffer<UInt8>,
        into marks: Buffer<UInt8>
    ) -> Int {
        for place in [above, row, below].compactMap(\.self) { checkBounds(rows.count, place, count) }
        checkBounds(scratch.count, 0, count)
        checkBounds(marks.count, 0, count)
        let all = unsafe UnsafePointer(rows.mutableElements)
        return unsafe loops.erode(
            above.map { unsafe all + $0 }, all + row, below.map { unsafe all + $0 }, count, scratch.mutableElements,
            marks.mutableElements)
    }

    /// The sum of the squared margins of the marked pixels of a row.
    ///
    /// - Parameters:
    ///   - marks: The marks of the row.
    ///   - floor: What each probability is at least.
    static func sumMargins(
        _ scores: PixelScores, largest: PixelScores, _ pixels: Range<Int>, marks: Buffer<UInt8>, floor: Double
    ) -> Double {
        checkBounds(scores.count, pixels.lowerBound, pixels.count)
        checkBounds(largest.count, pixels.lowerBound, pixels.count)
        checkBounds(marks.count, 0, pixels.count)
        precondition(scores.elementType == largest.elementType)
        return unsafe loops.sum_margins(
            scores.pointer(at: pixels.lowerBound), largest.pointer(at: pixels.lowerBound), marks.mutableElements,
            pixels.count, floor)
    }
}
