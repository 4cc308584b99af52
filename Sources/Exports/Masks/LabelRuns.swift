import Memory
import Scoring

/// The labels of an image as runs of equal classes, a row at a time, gathered into masks.
///
/// - Complexity: O(H·W) time; memory of 28 bytes a run.
struct LabelRuns {
    private struct Run: BitwiseCopyable {
        var row: UInt32
        var first: UInt32
        /// The column behind the last.
        var end: UInt32
        var label: UInt32
    }

    private let runs: Buffer<Run>
    /// The runs' places, those of a mask together and in the order of the image.
    private let order: Buffer<UInt32>
    /// Where in `order` each mask begins, and the last ends.
    private let starts: Buffer<UInt32>

    /// The number of masks.
    let count: Int

    /// Cuts the labels of an image, whose pixels 31 bits can count.
    ///
    /// Pieces come in the order of their first pixels, and classes by their number.
    ///
    /// - Throws: ``ExportError/memory(_:)``.
    init(
        _ labels: Buffer<UInt16>, width: Int, height: Int, classCount: Int, cut: MaskCut
    ) throws(ExportError) {
        runs = try Self.runs(labels, width: width, height: height, classCount: classCount)
        let owners: Buffer<UInt32> = try .export(runs.count)
        switch cut {
        case .pieces: count = Self.findPieces(runs, owners)
        case .classes: count = try Self.findClasses(runs, owners, classCount)
        }
        let count = count
        let (order, starts): (Buffer<UInt32>, Buffer<UInt32>) = (try .export(runs.count), try .export(count + 2))
        order.withMutableSpan { order in
            starts.withMutableSpan { starts in
                // The place ahead of a mask's own counts the mask ahead of it, until it is where the mask begins.
                let owners = owners.span
                for index in owners.indices { starts[Int(owners[index]) + 2] += 1 }
                for mask in 0..<count { starts[mask + 2] += starts[mask + 1] }
                for index in owners.indices {
                    let mask = Int(owners[index])
                    order[Int(starts[mask + 1])] = UInt32(index)
                    starts[mask + 1] += 1
                }
            }
        }
        (self.order, self.starts) = (order, starts)
    }

    /// Draws one of the masks.
    ///
    /// - Throws: ``ExportError/memory(_:)``.
    func mask(_ index: Int) throws(ExportError) -> ExportedMask {
        let (runs, order) = (runs.span, order.span)
        let places = Int(starts.span[index])..<Int(starts.span[index + 1])
        let first = runs[Int(order[places.lowerBound])]
        let top = Int(first.row)
        let bottom = Int(runs[Int(order[places.upperBound - 1])].row) + 1
        var (left, right) = (first.first, first.end)
        for place in places {
            left = min(left, runs[Int(order[place])].first)
            right = max(right, runs[Int(order[place])].end)
        }
        let width = Int(right - left)
        let mask: Buffer<UInt8> = try .export((bottom - top) * width)
        mask.withMutableSpan { mask in
            for place in places {
                let run = runs[Int(order[place])]
                let start = (Int(run.row) - top) * width - Int(left)
                for column in Int(run.first)..<Int(run.end) { mask[start + column] = 1 }
            }
        }
        return ExportedMask(
            label: Int(first.label),
            mask: RegionMask(top: top, left: Int(left), height: bottom - top, width: width, mask: mask), region: nil)
    }

    private static func runs(
        _ labels: Buffer<UInt16>, width: Int, height: Int, classCount: Int
    ) throws(ExportError) -> Buffer<Run> {
        let all = labels.span
        var count = 0
        for row in 0..<height {
            var last = Int(UInt16.max)
            for pixel in row * width..<(row + 1) * width {
                let label = Int(all[pixel])
                if label != last, label < classCount { count += 1 }
                last = label
            }
        }
        let runs: Buffer<Run> = try .export(count)
        runs.withMutableSpan { runs in
            var next = 0
            for row in 0..<height {
                var column = 0
                while column < width {
                    let label = all[row * width + column]
                    let start = column
                    repeat { column += 1 } while column < width && all[row * width + column] == label
                    guard label < classCount else { continue }
                    runs[next] = Run(
                        row: UInt32(row), first: UInt32(start), end: UInt32(column), label: UInt32(label))
                    next += 1
                }
            }
        }
        return runs
    }

    /// Numbers the pieces that the runs belong to.
    ///
    /// - Returns: How many pieces there are.
    private static func findPieces(_ runs: Buffer<Run>, _ owners: Buffer<UInt32>) -> Int {
        let runs = runs.span
        return owners.withMutableSpan { owners in
            // A run's owner is another run of its piece that comes earlier, or itself if none does.
            var (above, here) = (0..<0, 0..<0)
            while here.upperBound < runs.count {
                let start = here.upperBound
                let row = runs[start].row
                var end = start
                while end < runs.count, runs[end].row == row { end += 1 }
                let isBelow = !here.isEmpty && runs[here.lowerBound].row + 1 == row
                (above, here) = (isBelow ? here : start..<start, start..<end)
                var next = above.lowerBound
                for index in here {
                    let run = runs[index]
                    owners[index] = UInt32(index)
                    while next < above.upperBound, runs[next].end < run.first { next += 1 }
                    var other = next
                    while other < above.upperBound, runs[other].first <= run.end {
                        if runs[other].label == run.label {
                            let (one, two) = (root(index, &owners), root(other, &owners))
                            owners[max(one, two)] = UInt32(min(one, two))
                        }
                        other += 1
                    }
                }
            }
            // An owner comes before what it owns, so that its number is known by then.
            var count: UInt32 = 0
            for index in owners.indices {
                let owner = Int(owners[index])
                owners[index] = owner == index ? count : owners[owner]
                if owner == index { count += 1 }
            }
            return Int(count)
        }
    }

    private static func root(_ index: Int, _ owners: inout MutableSpan<UInt32>) -> Int {
        var index = index
        while owners[index] != index {
            owners[index] = owners[Int(owners[index])]
            index = Int(owners[index])
        }
        return index
    }

    /// Numbers the classes that there are.
    ///
    /// - Returns: How many there are.
    private static func findClasses(
        _ runs: Buffer<Run>, _ owners: Buffer<UInt32>, _ classCount: Int
    ) throws(ExportError) -> Int {
        let numbers: Buffer<UInt32> = try .export(classCount)
        return numbers.withMutableSpan { numbers in
            let runs = runs.span
            for index in runs.indices { numbers[Int(runs[index].label)] = 1 }
            var count: UInt32 = 0
            for label in numbers.indices where numbers[label] == 1 {
                numbers[label] = count
                count += 1
            }
            owners.withMutableSpan { owners in
                for index in runs.indices { owners[index] = numbers[Int(runs[index].label)] }
            }
            return Int(count)
        }
    }
}

extension Buffer {
    /// Makes a buffer of zeros.
    ///
    /// - Throws: ``ExportError/memory(_:)``.
    static func export(_ count: Int) throws(ExportError) -> Buffer {
        do throws(MemoryError) {
            return try Buffer(zeroed: count)
        } catch {
            throw .memory(error)
        }
    }
}
