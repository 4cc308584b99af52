import Memory
import Testing

@testable import Scoring

@Suite struct LabelStackTests {
    private func layout(_ scalar: ElementType.Scalar, _ height: Int, _ width: Int) throws -> TensorLayout {
        try TensorLayout(elementType: ElementType(scalar), shape: [1, height, width])
    }

    private func push(_ values: [UInt8], onto stack: LabelStack, height: Int, width: Int) throws {
        let accumulator = try stack.begin(try layout(.uint8, height, width))
        try accumulator.receive(values.span)
        stack.endImage()
    }

    private func push(wide values: [UInt16], onto stack: LabelStack, height: Int, width: Int) throws {
        let accumulator = try stack.begin(try layout(.uint16, height, width))
        let bytes = values.flatMap { [UInt8($0.littleEndian & 0xFF), UInt8($0.littleEndian >> 8)] }
        try accumulator.receive(bytes.span)
        stack.endImage()
    }

    private func values(_ map: LabelMap) -> [Int] { (0..<map.codes.count).map { map.codes[$0] } }

    @Test func joinsImagesInOrder() throws {
        let stack = LabelStack(pixelLimit: 100)
        #expect(stack.shape == nil)
        try push([1, 2, 3, 4, 5, 6], onto: stack, height: 2, width: 3)
        try push([7, 8, 9, 0, 255, 1], onto: stack, height: 2, width: 3)
        #expect(stack.shape == [2, 2, 3])
        var labels = stack.finish()
        let map = try labels.classes(by: nil)
        #expect(map.shape.dimensions == [2, 2, 3])
        #expect(!map.codes.isWide)
        #expect(values(map) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 255, 1])
    }

    @Test func widensAllImagesIfOneIsWide() throws {
        let stack = LabelStack(pixelLimit: 100)
        try push([1, 255], onto: stack, height: 1, width: 2)
        try push(wide: [300, 65_535], onto: stack, height: 1, width: 2)
        try push(wide: [65_535, 2], onto: stack, height: 1, width: 2)
        var labels = stack.finish()
        let map = try labels.classes(by: nil)
        #expect(values(map) == [1, 255, 300, 65_535, 65_535, 2])
        // The value that no code can hold is known by its first pixel.
        #expect(map.others == [LabelMap.Other(value: .integer(65_535), pixel: 3)])
    }

    /// What one image alone looks like says nothing of all of them.
    @Test func holdsTheRuleAgainstAllImagesTogether() throws {
        let rule = LabelRule(ignored: [], change: .reduceZero)
        for known in [rule, nil] {
            let stack = LabelStack(pixelLimit: 100, rule: known)
            try push([1, 255], onto: stack, height: 1, width: 2)
            try push([3, 0], onto: stack, height: 1, width: 2)
            try push(wide: [300, 255], onto: stack, height: 1, width: 2)
            var labels = stack.finish()
            #expect(labels.areMapped(by: rule) == (known != nil))
            #expect(values(try labels.classes(by: rule)) == [0, 65_535, 2, 65_535, 299, 65_535])
            let reduced = LabelStack(pixelLimit: 100, rule: known)
            try push([1, 255], onto: reduced, height: 1, width: 2)
            try push([3, 1], onto: reduced, height: 1, width: 2)
            var others = reduced.finish()
            #expect(throws: ScoringError.labelsReducedBefore) { try others.classes(by: rule) }
        }
    }

    @Test func countsLabelsThatStandForNothingOverAllImages() throws {
        let stack = LabelStack(pixelLimit: 100)
        for values: [UInt8] in [[7, 7], [7, 9], [9, 9]] { try push(values, onto: stack, height: 1, width: 2) }
        var labels = stack.finish()
        #expect(
            throws: ScoringError.labelUnnamed(
                .integer(9), at: .init(pixel: 3, height: 1, width: 2), pixelCount: 3, .map)
        ) { try labels.classes(by: LabelRule(ignored: [], change: .map([7: .classIndex(0)]))) }
    }

    @Test func refusesAnotherSizeAndTooManyPixels() throws {
        let stack = LabelStack(pixelLimit: 9)
        try push([1, 2, 3, 4], onto: stack, height: 2, width: 2)
        #expect(throws: ScoringError.imageSize(expected: [2, 2], actual: [1, 4])) {
            _ = try stack.begin(try layout(.uint8, 1, 4))
        }
        try push([1, 2, 3, 4], onto: stack, height: 2, width: 2)
        #expect(throws: ScoringError.tooManyPixels(.labels, count: 12, limit: 9)) {
            _ = try stack.begin(try layout(.uint8, 2, 2))
        }
        #expect(throws: ScoringError.tooManyPixels(.labels, count: 1 << 60, limit: 9)) {
            _ = try LabelStack(pixelLimit: 9).begin(try layout(.uint8, 1 << 30, 1 << 30))
        }
    }
}
