import CScoringKernels
import Glibc
import Memory
import Testing

@testable import Scoring

/// Every level of the loops against the plain one, at lengths around the width of vectors and at starts that are
/// aligned to nothing.
@Suite struct KernelLevelTests {
    static let counts = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 1000, 1025]
    static let levels = KernelLevel.available.dropFirst().map(\.description)

    private func loops(_ name: String) throws -> segscore_kernels {
        try #require(KernelLevel.available.first { $0.description == name }).loops
    }

    private var plain: segscore_kernels { KernelLevel.available[0].loops }

    /// Scores of which some are equal, 0, -0 and 1; labels in runs, of which some are no class.
    private struct Data {
        let count: Int
        var scores: [Double]
        var labels: [UInt16]
        var predicted: [UInt16]

        init(_ count: Int, classCount: Int, seed: UInt64 = 2) {
            self.count = count
            var numbers = Numbers(seed: seed + UInt64(count))
            let special = [0, -0.0, 1, 0.5, 0.25, 2e-6]
            scores = (0..<count).map { _ in
                Bool.random(using: &numbers)
                    ? special[Int.random(in: 0..<special.count, using: &numbers)]
                    : Double(Float.random(in: 0...1, using: &numbers))
            }
            var label: UInt16 = 0
            labels = (0..<count).map { _ in
                if Int.random(in: 0..<9, using: &numbers) == 0 {
                    label = UInt16(Int.random(in: 0...classCount, using: &numbers))
                }
                return label
            }
            predicted = labels.map { label in
                Int.random(in: 0..<3, using: &numbers) == 0
                    ? UInt16(Int.random(in: 0..<classCount, using: &numbers)) : min(label, UInt16(classCount - 1))
            }
        }
    }

    /// The arrays of a call, one byte or element off every alignment, in memory of their own so that reads beyond them
    /// are seen.
    private final class Memory {
        let scores: UnsafeMutableRawPointer
        let source: UnsafeMutableRawPointer
        let largest: UnsafeMutableRawPointer
        let labels: UnsafeMutableRawPointer
        let predicted: UnsafeMutableRawPointer
        let marks: UnsafeMutablePointer<UInt8>
        let isDouble: Bool
        let isWide: Bool
        let count: Int

        init(_ data: Data, isDouble: Bool, isWide: Bool) {
            (self.isDouble, self.isWide, count) = (isDouble, isWide, data.count)
            let size = isDouble ? 8 : 4
            let classSize = isWide ? 2 : 1
            func make(_ byteCount: Int, off: Int) -> UnsafeMutableRawPointer {
                let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount + off, alignment: 64)
                memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount + off)
                return memory + off
            }
            source = make(data.count * size, off: 1)
            scores = make(data.count * size, off: size)
            largest = make(data.count * size, off: size)
            labels = make(data.count * classSize, off: classSize)
            predicted = make(data.count * classSize, off: classSize)
            marks = make(data.count, off: 1).bindMemory(to: UInt8.self, capacity: data.count)
            for index in 0..<data.count {
                set(source, index, data.scores[index])
                set(scores, index, data.scores[index])
                set(largest, index, data.scores[(index + 1) % data.count])
                setClass(labels, index, data.labels[index])
                setClass(predicted, index, data.predicted[index])
            }
        }

        deinit {
            let size = isDouble ? 8 : 4
            (source - 1).deallocate()
            for memory in [scores, largest] { (memory - size).deallocate() }
            for memory in [labels, predicted] { (memory - (isWide ? 2 : 1)).deallocate() }
            (UnsafeMutableRawPointer(marks) - 1).deallocate()
        }

        func set(_ memory: UnsafeMutableRawPointer, _ index: Int, _ value: Double) {
            if isDouble {
                memory.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
            } else {
                memory.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
            }
        }

        private func setClass(_ memory: UnsafeMutableRawPointer, _ index: Int, _ value: UInt16) {
            if isWide {
                memory.storeBytes(of: value, toByteOffset: index * 2, as: UInt16.self)
            } else {
                memory.storeBytes(of: UInt8(value), toByteOffset: index, as: UInt8.self)
            }
        }

        private func bytes(_ memory: UnsafeMutableRawPointer, _ size: Int) -> [UInt8] {
            Array(UnsafeRawBufferPointer(start: memory, count: count * size))
        }

        /// All that a loop may have written.
        var contents: [[UInt8]] {
            let size = isDouble ? 8 : 4
            return [
                bytes(scores, size), bytes(largest, size), bytes(predicted, isWide ? 2 : 1),
                bytes(UnsafeMutableRawPointer(marks), 1),
            ]
        }

        func floats(_ memory: UnsafeMutableRawPointer) -> segscore_floats {
            segscore_floats(start: memory, is_double: isDouble)
        }

        func classes(_ memory: UnsafeMutableRawPointer) -> segscore_classes {
            segscore_classes(start: memory, is_wide: isWide)
        }
    }

    /// Calls a loop of two levels with the same arrays, and expects the same results and the same bytes written.
    private func compare<Result: Equatable>(
        _ level: String, _ count: Int, _ comment: Comment, seed: UInt64 = 2,
        _ body: (segscore_kernels, Memory) -> Result
    ) throws {
        let fast = try loops(level)
        for (isDouble, isWide) in [(false, false), (false, true), (true, false), (true, true)] {
            let data = Data(count, classCount: 5, seed: seed)
            let (expected, found) = (
                Memory(data, isDouble: isDouble, isWide: isWide), Memory(data, isDouble: isDouble, isWide: isWide)
            )
            #expect(body(fast, found) == body(plain, expected), comment)
            #expect(found.contents == expected.contents, comment)
        }
    }

    @Test(arguments: levels, counts) func takeTheSameProbabilities(level: String, count: Int) throws {
        for classIndex in [0, 1, 4] as [UInt32] {
            for stride in [1, 3] {
                try compare(level, count, "class \(classIndex), \(stride) apart") { loops, memory in
                    var clamped = 0
                    return loops.take(
                        memory.source, count / stride, classIndex, memory.classes(memory.labels),
                        memory.floats(memory.scores), memory.classes(memory.predicted),
                        memory.floats(memory.largest), stride, &clamped)
                }
            }
        }
    }

    @Test(arguments: levels, counts) func findTheSameValueThatIsNoProbability(level: String, count: Int) throws {
        for bad in [Double.nan, -.nan, .infinity, -.infinity, 1.000011, -1.1e-5, -1] {
            for place in Set([0, count / 2, count - 1, count - 2].filter { (0..<count).contains($0) }) {
                try compare(level, count, "\(bad) at \(place)") { loops, memory in
                    memory.set(memory.source, place, bad)
                    if place + 3 < count { memory.set(memory.source, place + 3, 7) }
                    var clamped = 0
                    let found = loops.take(
                        memory.source, count, 1, memory.classes(memory.labels), memory.floats(memory.scores),
                        memory.classes(memory.predicted), memory.floats(memory.largest), 1, &clamped)
                    #expect(found == place && clamped == 0)
                    return found
                }
            }
        }
    }

    @Test(arguments: levels, counts) func bringTheSameValuesIntoTheRange(level: String, count: Int) throws {
        for near in [1.0000001192092896, 1.00001, -1e-7, -1e-5] {
            for step in [1, 2, 7] {
                try compare(level, count, "\(near) at every \(step)") { loops, memory in
                    for place in Swift.stride(from: 0, to: count, by: step) { memory.set(memory.source, place, near) }
                    var results: [Int] = []
                    for stride in [1, 3] {
                        for classIndex in [0, 1, 4] as [UInt32] {
                            var clamped = 0
                            let taken = loops.take(
                                memory.source, count / stride, classIndex, memory.classes(memory.labels),
                                memory.floats(memory.scores), memory.classes(memory.predicted),
                                memory.floats(memory.largest), stride, &clamped)
                            #expect(taken == count / stride && clamped == (count / stride + step - 1) / step)
                            results += [taken, clamped]
                        }
                    }
                    var clamped = 0
                    let scores = memory.floats(memory.scores)
                    results.append(
                        loops.take_own(memory.source, count, 2, memory.classes(memory.labels), scores, &clamped))
                    loops.convert(memory.source, count, SEGSCORE_CLAMP, memory.floats(memory.largest))
                    return results + [clamped]
                }
            }
        }
    }

    @Test(arguments: levels, counts) func takeTheSameOfLabelsAlone(level: String, count: Int) throws {
        for (classIndex, place) in [(0, -1), (1, -1), (4, -1), (1, count / 2), (2, count - 1)] as [(UInt32, Int)] {
            try compare(level, count, "class \(classIndex), bad at \(place)") { loops, memory in
                if place >= 0, count > 0 { memory.set(memory.source, place, -.nan) }
                let labels = memory.classes(memory.labels)
                var clamped = 0
                let found = loops.take_own(
                    memory.source, count, classIndex, labels, memory.floats(memory.scores), &clamped)
                #expect(found == (place >= 0 && count > 0 ? place : count))
                var places = [UInt32](repeating: 0, count: 5)
                var extents = [segscore_extent](repeating: segscore_extent(), count: max(count, 5))
                let kept = segscore_labels_kept(class_count: 5, ignored: 3)
                return [found]
                    + [Int.max, 7, 1, 0].flatMap { gap in
                        let found = loops.class_extents(labels, count, kept, gap, &places, &extents)
                        #expect(places.allSatisfy { $0 == 0 })
                        return [found]
                            + extents.prefix(found).flatMap { [Int($0.class_index), Int($0.first), Int($0.end)] }
                    }
            }
        }
    }

    @Test(arguments: levels, counts) func takeTheSameThatWereReduced(level: String, count: Int) throws {
        for (value, isTaken) in [(0.5, true), (1.00001, true), (-1e-5, true), (1.000011, false), (.nan, false)] {
            for place in Set([0, count / 2, count - 1].filter { (0..<count).contains($0) }) {
                try compare(level, count, "\(value) at \(place)") { loops, memory in
                    memory.set(memory.source, place, value)
                    return [(1, true), (1, false), (3, true)].flatMap { stride, clamps in
                        var clamped = 0
                        let found = loops.take_scores(
                            memory.source, count / stride, clamps, memory.floats(memory.scores), stride, &clamped)
                        #expect(found == (isTaken || place >= count / stride ? count / stride : place))
                        return [found, clamped]
                    }
                }
            }
        }
    }

    @Test(arguments: levels, counts) func findTheSamePixelWhoseProbabilitiesDiffer(level: String, count: Int) throws {
        for (largest, ignored) in [(0.4, -1), (0.4, 3), (0.6, -1), (0.500001, -1)] as [(Double, Int32)] {
            for place in Set([0, count / 2, count - 1].filter { (0..<count).contains($0) }) {
                try compare(level, count, "\(largest) at \(place), ignoring \(ignored)") { loops, memory in
                    for index in 0..<count {
                        memory.set(memory.scores, index, 0.5)
                        memory.set(memory.largest, index, index < place ? 0.50000001 : largest)
                    }
                    return loops.first_unlike(
                        memory.floats(memory.scores), memory.floats(memory.largest), memory.classes(memory.predicted),
                        memory.classes(memory.labels), count, ignored)
                }
            }
        }
    }

    @Test(arguments: levels, counts) func agreeOnWholeImages(level: String, count: Int) throws {
        for ignored in [-1, 0, 5] as [Int32] {
            let kept = segscore_labels_kept(class_count: 5, ignored: ignored)
            try compare(level, count, "ignoring \(ignored)") { loops, memory in
                let (scores, labels) = (memory.floats(memory.scores), memory.classes(memory.labels))
                let predicted = memory.classes(memory.predicted)
                var results: [Int] = []
                results.append(loops.first_label_outside(labels, count, kept))
                results.append(loops.count_class(labels, count, 2))
                results.append(loops.count_below(scores, count, 0.3))
                for value in [0, 0.25, 1] { results.append(loops.count_equal(scores, labels, count, kept, value)) }
                loops.below(scores, count, 0.25, memory.marks)
                results.append(
                    loops.count_confident(
                        memory.floats(memory.largest), predicted, labels, count, kept, [0.1, 0.5, 0.25, 0, 1]))
                // The highest eight bits of a score, and those below where the first are a half's.
                for (limit, prefix, shift) in [(1, 0, 54), (0.5, 0, 22), (0.5, 252, 14)] as [(Double, UInt64, UInt32)]
                where memory.isDouble == (shift == 54) {
                    var counts = [UInt64](repeating: 0, count: 256)
                    loops.count_keys(scores, labels, count, kept, limit, prefix, shift, 8, &counts)
                    results += counts.map { Int($0) }
                }
                loops.ignore(scores, labels, count, ignored)
                return results
            }
            for (cut, ties) in [(0.25, 0), (0.25, 3), (0, 2), (1, 1000), (0.7, 5)] {
                try compare(level, count, "cut \(cut), ignoring \(ignored)") { loops, memory in
                    let labels = memory.classes(memory.labels)
                    let used = loops.mark_lowest(
                        memory.floats(memory.scores), labels, count, kept, cut, ties, memory.marks)
                    let marked = loops.mark_disagreeing(
                        memory.marks, 1, memory.classes(memory.predicted), labels, count, ignored, memory.marks)
                    loops.keep_class(memory.marks, labels, memory.classes(memory.predicted), count, 3)
                    return [used, marked]
                }
            }
        }
    }

    @Test(arguments: levels, counts) func findTheSameMargins(level: String, count: Int) throws {
        for ignored in [-1, 1] as [Int32] {
            try compare(level, count, "ignoring \(ignored)") { loops, memory in
                let (labels, predicted) = (memory.classes(memory.labels), memory.classes(memory.predicted))
                var above = [UInt8](repeating: 0, count: count)
                let found = loops.disagreeing(predicted, labels, count, ignored, &above)
                let (row, below) = (above.map { 1 - $0 }, [UInt8](repeating: 1, count: count))
                var scratch = above
                var kept: [Int] = []
                for (isAbove, isBelow) in [(false, false), (true, false), (false, true), (true, true)] {
                    above.withUnsafeBufferPointer { above in
                        below.withUnsafeBufferPointer { below in
                            kept.append(
                                loops.erode(
                                    isAbove ? above.baseAddress : nil, row, isBelow ? below.baseAddress : nil, count,
                                    &scratch, memory.marks))
                        }
                    }
                }
                let sum = loops.sum_margins(
                    memory.floats(memory.scores), memory.floats(memory.largest), row, count, 1e-3)
                return kept.map(UInt64.init) + [UInt64(found), sum.bitPattern]
            }
        }
    }

    @Test(arguments: levels, counts) func addUpTheSame(level: String, count: Int) throws {
        for ignored in [-1, 1] as [Int32] {
            try compare(level, count, "ignoring \(ignored)") { loops, memory in
                let labels = memory.classes(memory.labels)
                var sums = [Double](repeating: 0, count: 5)
                var counts = [Int64](repeating: 0, count: 5)
                let kept = segscore_labels_kept(class_count: 5, ignored: ignored)
                loops.sum_by_label(memory.floats(memory.scores), labels, count, kept, &sums, &counts)
                var rows = [Double](repeating: 0.5, count: count / 3 + 2)
                loops.add_row(memory.source, memory.isDouble, count, 2, 3, labels, ignored, &rows)
                var each = [Double](repeating: 0.25, count: 2 * count + 1)
                loops.add_each(memory.source, memory.isDouble, count, labels, 1, ignored, &each, 2)
                return sums + counts.map(Double.init) + rows + each
            }
        }
    }

    @Test(arguments: levels) func makeTheSameBlocks(level: String) throws {
        for (side, height, width) in [(2, 6, 34), (3, 9, 51), (1, 1, 17), (8, 16, 64)] {
            try compare(level, height * width, "side \(side)") { loops, memory in
                let blocks = height / side * (width / side)
                let kept = segscore_labels_kept(class_count: 5, ignored: 1)
                var counts = [UInt32](repeating: 0, count: blocks)
                loops.block_labels(
                    memory.classes(memory.labels), height, width, side, kept, memory.classes(memory.predicted),
                    &counts)
                var results: [Double] = []
                var (totals, scores, largest) = (
                    [Double](repeating: 0, count: blocks), [Double](repeating: 0, count: blocks),
                    [Double](repeating: 0, count: blocks)
                )
                for classIndex in 0..<3 as Range<UInt32> {
                    var sums = (0..<blocks).map { Double($0 * Int(classIndex + 1) % 7) / 3 }
                    loops.take_blocks(
                        &sums, counts, blocks, classIndex, memory.classes(memory.labels), &totals, &scores, &largest,
                        memory.classes(memory.predicted))
                    results += sums
                }
                loops.divide(&scores, totals, blocks)
                loops.divide(&largest, totals, blocks)
                return results + totals + scores + largest + counts.map(Double.init)
            }
        }
    }

    @Test(arguments: levels, counts) func scoreImagesAlike(level: String, count: Int) throws {
        let fast = try loops(level)
        for (isDouble, isWide) in [(false, false), (false, true), (true, false), (true, true)] {
            let memory = Memory(Data(count, classCount: 5), isDouble: isDouble, isWide: isWide)
            for ignored in [-1, 0] as [Int32] {
                for temperature in [.leastNonzeroMagnitude, 0.01, 0.1, 5, 1e300] {
                    let (scores, labels) = (memory.floats(memory.scores), memory.classes(memory.labels))
                    let found = fast.softmin(scores, labels, count, ignored, temperature)
                    let expected = plain.softmin(scores, labels, count, ignored, temperature)
                    #expect(
                        found.isNaN && expected.isNaN
                            || abs(found - expected)
                                <= SoftminTests.tolerance(count: count, temperature: max(temperature, 0.01))
                    )
                }
            }
        }
    }

    @Test(arguments: levels) func areWithinOneUnitOfTheLibrarysExponential(level: String) throws {
        let fast = try loops(level)
        var numbers = Numbers(seed: 1)
        var values = (0..<200_000).map { _ in Double.random(in: -760...720, using: &numbers) }
        values += (0..<200_000).map { _ in -pow(10, Double.random(in: -20...3, using: &numbers)) }
        values += (-746...710).map(Double.init) + (-1080...1025).map { Double($0) * M_LN2 }
        values += [0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 709.782712893384]
        values += [709.7827128933841, -745.1332191019411, -745.1332191019412, -708.3964185322641, -708.3964185322642]
        values += [.infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        var results = values + [.nan]
        fast.exponentials(&results, results.count)
        #expect(results.removeLast().isNaN)
        for (value, result) in zip(values, results) {
            let expected = exp(value)
            let isClose =
                result == expected || result == expected.nextUp || result == expected.nextDown
            if !isClose { Issue.record("exp(\(value)) is \(expected), not \(result)") }
        }
    }

    @Test func endWithTheOneInUse() {
        #expect(KernelLevel.available.first?.description == "plain")
        #expect(KernelLevel.available.count >= 2)
        #expect(KernelLevel.available.contains(KernelLevel.current))
    }
}
