import Memory
import Testing

@testable import Scoring

@Suite struct LabelRuleTests {
    static let shape = [3, 4, 5]
    static let rules: [LabelRule] = [
        LabelRule(ignored: [255, -1], change: .identity),
        LabelRule(ignored: [-1], change: .identity),
        LabelRule(ignored: [0, 70_000], change: .offset(-1)),
        LabelRule(ignored: [-1], change: .offset(250)),
        LabelRule(ignored: [7], change: .offset(70_000)),
        LabelRule(ignored: [], change: .reduceZero),
        LabelRule(
            ignored: [3, 65_534],
            change: .map([
                -1: .ignored, 0: .classIndex(255), 1: .classIndex(3), 2: .classIndex(65_534), 3: .classIndex(1),
                254: .classIndex(254), 255: .classIndex(0), 70_000: .classIndex(9), 65_534: .classIndex(300),
            ])),
    ]

    /// What a rule makes of a value, as the page about labels says it: nil is an error, -1 is ignored.
    private static func expected(_ value: Int64, _ rule: LabelRule) -> Int? {
        if rule.ignored.contains(value) { return -1 }
        let result: Int64
        switch rule.change {
        case .identity: result = value
        case .offset(let offset): result = value + offset
        case .reduceZero:
            if value == 0 || value == 255 { return -1 }
            result = value - 1
        case .map(let meanings):
            guard let meaning = meanings[value] else { return nil }
            guard case .classIndex(let index) = meaning, !rule.ignored.contains(Int64(index)) else { return -1 }
            result = Int64(index)
        }
        return (0...65_534).contains(result) ? Int(result) : nil
    }

    private static let choices: [Int64] = [
        -70_000, -1, 0, 1, 2, 3, 7, 9, 254, 255, 256, 300, 57_342, 57_343, 65_534, 65_535, 70_000,
    ]

    /// Small labels first: codes are widened in the middle of the array.
    private static func values(_ rule: LabelRule, _ type: ElementType, seed: UInt64, largest: Int64) -> [Int64] {
        var numbers = Numbers(seed: seed)
        let usable = choices.filter {
            $0 <= largest && LabelAccumulatorTests.holds(type.scalar, .integer($0)) && expected($0, rule) != nil
        }
        return (0..<60).map { _ in usable.randomElement(using: &numbers) ?? 1 }
    }

    private func check(_ map: LabelMap, _ values: [Int64], _ rule: LabelRule) {
        let ones = map.codes.isWide ? 65_535 : 255
        #expect(map.codeValues == values.map { Self.expected($0, rule).map { $0 < 0 ? ones : $0 } })
        #expect(map.code(ofIgnored: nil) == Int32(ones))
        #expect(map.code(ofIgnored: 3) == Int32(ones))
        #expect(map.others.isEmpty)
    }

    @Test(arguments: allTypes, orders)
    func makesClassesOfValuesWheneverItIsKnown(type: ElementType, order: TensorLayout.Order) throws {
        for (index, rule) in Self.rules.enumerated() {
            for largest: Int64 in [255, .max] {
                let values = Self.values(rule, type, seed: UInt64(index), largest: largest)
                guard values.allSatisfy({ Self.expected($0, rule) != nil }) else { continue }
                if rule.change == .reduceZero, values.contains(255), !values.contains(0) { continue }
                let array = try FileArray(values.map { .integer($0) }, shape: Self.shape, type: type, order: order)
                for chunk in [7, 0] {
                    for earlier in [rule, nil, Self.rules[(index + 1) % Self.rules.count]] {
                        let map = try LabelMap.reading(array, chunk: chunk, by: rule, earlier: earlier)
                        check(map, values, rule)
                    }
                }
            }
        }
    }

    @Test(arguments: orders) func comesToNothingIfItIsTakenBack(order: TensorLayout.Order) throws {
        let values: [LabelValue] = (0..<60).map { .integer($0 % 3 == 0 ? 57_343 + $0 : $0) }
        let array = try FileArray(values, shape: Self.shape, type: ElementType(.int32), order: order)
        let map = try LabelMap.reading(array, earlier: Self.rules[0])
        #expect(map.codeValues.map { .integer(Int64($0)) } == values)
        #expect(map.rule == nil)
    }

    @Test(arguments: orders) func saysHowManyLabelsItLeavesOutAndWhereTheFirstIs(order: TensorLayout.Order) throws {
        for value: LabelValue in [.integer(5), .integer(-7), .integer(1 << 40), .real(0.5), .real(.infinity)] {
            for places in [[13], [0, 59], [7, 8, 9, 41]] {
                var values = [LabelValue](repeating: .integer(1), count: 60)
                for place in places { values[place] = value }
                let array = try FileArray(values, shape: Self.shape, type: ElementType(.float64), order: order)
                for earlier in [Self.rules[6], nil] {
                    let error = #expect(throws: ScoringError.self) {
                        try LabelMap.reading(array, chunk: 7, by: Self.rules[6], earlier: earlier)
                    }
                    // Labels that are looked at again are looked at in the order of pixels.
                    let inOrder = earlier == nil ? Array(0..<60) : fileOrder(shape: Self.shape, order: order)
                    let first = try #require(inOrder.first(where: places.contains))
                    #expect(
                        error
                            == .labelUnnamed(
                                value, at: .init(pixel: first, height: 4, width: 5), pixelCount: places.count, .map))
                }
            }
        }
    }

    @Test(
        arguments: [
            ([0, 1, 255], nil), ([1, 2, 3], nil), ([1, 2, 0], nil), ([0, 0, 0], nil),
            ([1, 255, 3], .labelsReducedBefore),
            ([255, 255, 255], .labelsReducedBefore),
        ] as [([Int64], ScoringError?)])
    func knowsMasksThatHaveBeenReduced(values: [Int64], error: ScoringError?) throws {
        let array = try FileArray(values.map { .integer($0) }, shape: [1, 1, 3], type: ElementType(.uint8))
        let rule = LabelRule(ignored: [], change: .reduceZero)
        var found: ScoringError?
        do throws(ScoringError) {
            let accumulator = try LabelAccumulator(layout: array.layout, pixelLimit: .max, rule: rule)
            try array.forEachChunk(of: 0) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            var arrived = accumulator.finish()
            _ = try arrived.classes(by: rule)
        } catch {
            found = error
        }
        #expect(found == error)
    }

    /// As many numbers have codes of their own as there may be in a table. Of more, one at least is in none.
    @Test func tellsThousandsOfLargeNumbersApart() throws {
        let values = (0..<RawLabels.otherLimit).map { Int64(70_000 + 3 * $0) }
        let array = try FileArray(
            values.map { .integer($0) }, shape: [1, 2, RawLabels.otherLimit / 2], type: ElementType(.int32))
        let rule = LabelRule(
            ignored: [], change: .map(Dictionary(uniqueKeysWithValues: values.map { ($0, .classIndex(Int($0) % 50)) })))
        for earlier in [rule, nil] {
            let map = try LabelMap.reading(array, by: rule, earlier: earlier)
            #expect(map.codeValues == values.map { Int($0) % 50 })
            #expect(!map.codes.isWide)
        }
    }

    @Test func widensForMoreClassesThanOneByteHolds() throws {
        let rule = LabelRule(ignored: [255, -1], change: .identity)
        let array = try FileArray(
            [.integer(0), .integer(255), .integer(7), .integer(-1)], shape: [1, 2, 2], type: ElementType(.int16))
        let map = try LabelMap.reading(array, by: rule)
        #expect(map.codeValues == [0, 255, 7, 255])
        #expect(try map.holding(classCount: 255).codeValues == [0, 255, 7, 255])
        let wide = try map.holding(classCount: 256)
        #expect(wide.codeValues == [0, 65_535, 7, 65_535])
        try wide.check(image: 0, classCount: 256, ignoredLabel: nil)
        #expect(
            throws: ScoringError.labelOutOfRange(
                .integer(7), at: .init(pixel: 2, height: 2, width: 2), classCount: 7)
        ) { try map.check(image: 0, classCount: 7, ignoredLabel: nil) }
        let moved = try LabelMap.reading(array, by: LabelRule(ignored: [255, -1], change: .offset(3)))
        #expect(
            throws: ScoringError.mappedLabelOutOfRange(
                .integer(10), at: .init(pixel: 2, height: 2, width: 2), classCount: 10)
        ) { try moved.check(image: 0, classCount: 10, ignoredLabel: nil) }
    }

    @Test func isNeededOnlyWhereCodesDoNotTellWhatIsIgnored() {
        for ignored: Set<Int64> in [[], [0], [255], [57_342]] { #expect(LabelRule(ignored: ignored) == nil) }
        for ignored: Set<Int64> in [[-1], [57_343], [0, 255]] { #expect(LabelRule(ignored: ignored) != nil) }
    }
}
