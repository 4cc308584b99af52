import CScoringKernels
import Memory

extension Kernels {
    /// Stores a run of labels, of which `done` have been stored already.
    ///
    /// - Parameters:
    ///   - limit: The largest label that is stored, at least half of the largest code.
    /// - Returns: How many more were stored: all that are left, or those ahead of the first that is beyond the limit.
    static func narrowLabels(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, after done: Int, into codes: ClassCodes,
        limit: Int
    ) -> Int {
        let pixel = run.firstPixel + done * run.stride
        let count = run.count - done
        checkBounds(codes.count, pixel, run.stride, count)
        return unsafe loops.narrow_labels(
            elements.pointer(at: index), elements.type, count, codes.pointer(at: pixel), run.stride, UInt32(limit))
    }

    static func widen(_ narrow: Buffer<UInt8>, into wide: Buffer<UInt16>) {
        precondition(narrow.count == wide.count)
        copy(.narrow(narrow), into: .wide(wide), at: 0)
    }

    /// Copies codes to codes that are at least as wide, from a pixel of these on.
    static func copy(_ source: ClassCodes, into target: ClassCodes, at pixel: Int) {
        checkBounds(target.count, pixel, source.count)
        switch (source, target) {
        case (.narrow(let narrow), .narrow(let codes)):
            unsafe (codes.mutableElements + pixel).update(from: narrow.mutableElements, count: narrow.count)
        case (.narrow(let narrow), .wide):
            _ = unsafe loops.narrow_labels(
                narrow.mutableElements, SEGSCORE_UINT8, narrow.count, target.pointer(at: pixel), 1, UInt32(UInt16.max))
        case (.wide(let wide), .wide(let codes)):
            unsafe (codes.mutableElements + pixel).update(from: wide.mutableElements, count: wide.count)
        case (.wide, .narrow):
            preconditionFailure("codes do not become narrower")
        }
    }

    /// Stores for each code of a run the lower bits of its entry.
    ///
    /// - Parameters:
    ///   - entries: One for each code that the source's type has.
    /// - Returns: The bits that any of the entries has.
    static func map(
        _ source: ClassCodes, _ run: ElementRuns.Run, by entries: Buffer<UInt32>, into codes: ClassCodes
    ) -> UInt32 {
        checkBounds(source.count, run.firstPixel, run.stride, run.count)
        checkBounds(codes.count, run.firstPixel, run.stride, run.count)
        precondition(entries.count >= 1 << (source.isWide ? 16 : 8))
        return unsafe loops.map_labels(
            source.pointer(at: run.firstPixel), run.count, run.stride, entries.mutableElements,
            codes.pointer(at: run.firstPixel))
    }

    /// The first pixel of a range whose label is neither a class nor ignored.
    static func firstLabelOutside(
        _ codes: ClassCodes, _ pixels: Range<Int>, classCount: Int, ignored: Int32
    ) -> Int? {
        checkBounds(codes.count, pixels.lowerBound, pixels.count)
        let found = unsafe loops.first_label_outside(
            codes.pointer(at: pixels.lowerBound), pixels.count,
            segscore_labels_kept(class_count: UInt32(classCount), ignored: ignored))
        return found < pixels.count ? pixels.lowerBound + found : nil
    }

    /// The first pixel of a range whose label is a class and not ignored.
    static func firstLabelKept(_ codes: ClassCodes, _ pixels: Range<Int>, classCount: Int, ignored: Int32) -> Int? {
        checkBounds(codes.count, pixels.lowerBound, pixels.count)
        let found = unsafe loops.first_label_kept(
            codes.pointer(at: pixels.lowerBound), pixels.count,
            segscore_labels_kept(class_count: UInt32(classCount), ignored: ignored))
        return found < pixels.count ? pixels.lowerBound + found : nil
    }

    /// How many codes of a range have a value.
    static func count(_ codes: ClassCodes, _ pixels: Range<Int>, of code: Int) -> Int {
        checkBounds(codes.count, pixels.lowerBound, pixels.count)
        return unsafe loops.count_class(codes.pointer(at: pixels.lowerBound), pixels.count, UInt32(code))
    }

    /// The classes among the labels of a range, each with one range or several that hold all its pixels.
    ///
    /// - Parameters:
    ///   - pixels: The range, of fewer than 2³² pixels.
    ///   - gap: How many pixels of others may lie between two pixels of a class within one range of it.
    ///   - places: `(K,)`: working memory, all zeros before and after.
    static func classExtents(
        _ labels: ClassCodes, _ pixels: Range<Int>, ignored: Int32, gap: Int = .max, places: Buffer<UInt32>
    ) -> [(classIndex: Int, pixels: Range<Int>)] {
        checkBounds(labels.count, pixels.lowerBound, pixels.count)
        precondition(pixels.count < 1 << 32)
        let kept = segscore_labels_kept(class_count: UInt32(places.count), ignored: ignored)
        return unsafe withUnsafeTemporaryAllocation(
            of: segscore_extent.self, capacity: gap < pixels.count ? pixels.count : min(places.count, pixels.count)
        ) { extents in
            guard let start = extents.baseAddress else { return [] }
            let count = unsafe loops.class_extents(
                labels.pointer(at: pixels.lowerBound), pixels.count, kept, gap, places.mutableElements, start)
            return (0..<count).map { index in
                let extent = unsafe start[index]
                let first = pixels.lowerBound
                return (Int(extent.class_index), first + Int(extent.first)..<first + Int(extent.end))
            }
        }
    }
}
