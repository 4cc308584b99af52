import Memory
import Testing

@testable import Scoring

@Suite struct LabelAccumulatorTests {
    static let shape = [3, 4, 5]
    static let interesting: [LabelValue] = [
        .integer(0), .integer(1), .integer(127), .integer(254), .integer(255), .integer(256), .integer(2048),
        .integer(32_767), .integer(32_768), .integer(65_504), .integer(65_534),
    ]

    /// Whether a type holds a label just so.
    static func holds(_ scalar: ElementType.Scalar, _ value: LabelValue) -> Bool {
        let real: Double? =
            switch value {
            case .integer(let value): Double(exactly: value)
            case .unsigned: nil
            case .real(let value): value
            }
        switch scalar {
        case .float16, .bfloat16, .float32, .float64:
            guard let real else { return false }
            return real.isNaN || rounded(real, to: scalar) == real
        case .bool: return value == .integer(0) || value == .integer(1)
        case .uint64:
            if case .unsigned = value { return true }
            if case .integer(let value) = value { return value >= 0 }
            return false
        default:
            guard case .integer(let value) = value else { return false }
            let bits = 8 * scalar.byteCount
            let isSigned = [.int8, .int16, .int32, .int64].contains(scalar)
            let limit = bits == 64 ? Int64.max : (1 << (isSigned ? bits - 1 : bits)) - 1
            return value <= limit && value >= (isSigned ? -limit - 1 : 0)
        }
    }

    private func position(_ pixel: Int) -> ScoringError.Position {
        .init(pixel: pixel, height: Self.shape[1], width: Self.shape[2])
    }

    @Test(arguments: allTypes, orders)
    func keepsEveryLabelThatCanBeAClass(type: ElementType, order: TensorLayout.Order) throws {
        let usable = Self.interesting.filter { Self.holds(type.scalar, $0) }
        var numbers = Numbers(seed: 1)
        // Small labels first: the narrow codes are widened in the middle of the array.
        for start in [0, 1, 30, 59] {
            let values: [LabelValue] = try (0..<60).map { pixel in
                pixel < start
                    ? .integer(Int64(pixel % 2)) : try #require(usable.randomElement(using: &numbers))
            }
            let array = try FileArray(values, shape: Self.shape, type: type, order: order)
            for chunk in [1, 3, 7, 0] {
                let map = try LabelMap.reading(array, chunk: chunk)
                #expect(map.codeValues.map { .integer(Int64($0)) } == values)
                #expect(map.others.isEmpty)
                #expect(map.shape.dimensions == Self.shape)
                for image in 0..<3 { try map.check(image: image, classCount: 65_535, ignoredLabel: nil) }
            }
        }
    }

    @Test(arguments: allTypes, orders)
    func takesOneByteALabelWhereThatIsEnough(type: ElementType, order: TensorLayout.Order) throws {
        for largest in [1, 127, 255] where Self.holds(type.scalar, .integer(Int64(largest))) {
            let values = (0..<60).map { LabelValue.integer(Int64(min($0, largest))) }
            let values255 = values.dropLast() + [.integer(Int64(largest))]
            let map = try LabelMap.reading(FileArray(Array(values255), shape: Self.shape, type: type, order: order))
            guard case .narrow = map.codes else {
                Issue.record("wide codes for labels up to \(largest)")
                continue
            }
        }
    }

    static let odd: [LabelValue] = [
        .integer(-1), .integer(-128), .integer(65_535), .integer(65_536), .integer(.max), .integer(.min),
        .unsigned(.max), .unsigned(1 << 63), .real(0.5), .real(254.5), .real(65_534.5), .real(.infinity),
        .real(-.infinity), .real(1e300), .real(0x1p63), .real(-0.25), .integer(1 << 32), .integer(1 << 40),
    ]

    @Test(arguments: allTypes, orders)
    func namesTheFirstPixelOfTheOnlyOddValue(type: ElementType, order: TensorLayout.Order) throws {
        for value in Self.odd where Self.holds(type.scalar, value) {
            for (first, second) in [(0, 1), (7, 22), (19, 20), (58, 59)] {
                var values = (0..<60).map { LabelValue.integer(Int64($0 % 2)) }
                values[first] = value
                values[second] = value
                let array = try FileArray(values, shape: Self.shape, type: type, order: order)
                for chunk in [1, 3, 7, 0] {
                    let map = try LabelMap.reading(array, chunk: chunk)
                    #expect(
                        firstError(map, classCount: 2) == .labelOutOfRange(value, at: position(first), classCount: 2))
                    #expect(map.others.map(\.value) == [value])
                    guard case .integer(let label) = value else { continue }
                    #expect(firstError(map, classCount: 2, ignoring: label) == nil)
                    // Another label than the one that is there does not excuse it.
                    #expect(
                        firstError(map, classCount: 2, ignoring: 7)
                            == .labelOutOfRange(value, at: position(first), classCount: 2))
                }
            }
        }
    }

    @Test(arguments: orders, [1, 3, 7, 0])
    func excusesOneOfTwoOddValuesAndNamesTheOther(order: TensorLayout.Order, chunk: Int) throws {
        // (2, 3, 3) is the last pixel of neither order.
        for (ignored, other) in [(3, 31), (31, 3), (58, 4), (0, 59), (59, 0)] {
            var values = (0..<60).map { LabelValue.integer(Int64($0 % 2)) }
            values[ignored] = .integer(-1)
            values[other] = .integer(70_000)
            let map = try LabelMap.reading(
                FileArray(values, shape: Self.shape, type: ElementType(.int32), order: order), chunk: chunk)
            #expect(
                firstError(map, classCount: 2, ignoring: -1)
                    == .labelOutOfRange(.integer(70_000), at: position(other), classCount: 2))
            #expect(
                firstError(map, classCount: 2, ignoring: 70_000)
                    == .labelOutOfRange(.integer(-1), at: position(ignored), classCount: 2))
            #expect(firstError(map, classCount: 2) != nil)
        }
    }

    @Test(arguments: orders) func namesAValueThatIsWhereItSays(order: TensorLayout.Order) throws {
        var numbers = Numbers(seed: 2)
        let choices: [LabelValue] = [
            .integer(0), .integer(1), .integer(-1), .integer(70_000), .integer(-7), .integer(9),
        ]
        for _ in 0..<200 {
            var values: [LabelValue] = Array(repeating: .integer(0), count: 60)
            for _ in 0..<5 {
                values[Int.random(in: 0..<60, using: &numbers)] = choices[Int.random(in: 0..<6, using: &numbers)]
            }
            let map = try LabelMap.reading(
                FileArray(values, shape: Self.shape, type: ElementType(.int64), order: order))
            for ignored: Int64? in [nil, -1, -7, 70_000, 9] {
                let bad = values.indices.filter {
                    values[$0] != .integer(0) && values[$0] != .integer(1) && values[$0] != ignored.map { .integer($0) }
                }
                guard case .labelOutOfRange(let value, let place, 2) = firstError(map, classCount: 2, ignoring: ignored)
                else {
                    #expect(bad.isEmpty)
                    continue
                }
                let image = try #require(place.image)
                let pixel = (image * Self.shape[1] + place.place[0]) * Self.shape[2] + place.place[1]
                #expect(bad.contains(pixel))
                #expect(values[pixel] == value)
                if order == .c { #expect(pixel == bad.first) }
            }
        }
    }

    @Test(arguments: floatTypes) func refusesNaN(type: ElementType) throws {
        var values = Array(repeating: 1.0, count: 60)
        values[33] = .nan
        values[44] = .nan
        let map = try LabelMap.reading(FileArray(values, shape: Self.shape, type: type))
        guard case .labelOutOfRange(.real(let value), let place, 2) = firstError(map, classCount: 2) else {
            Issue.record("NaN was taken for a label")
            return
        }
        #expect(value.isNaN)
        #expect(place == position(33))
    }

    @Test(arguments: floatTypes) func takesNegativeZeroForZero(type: ElementType) throws {
        let map = try LabelMap.reading(FileArray([-0.0], shape: [1, 1, 1], type: type))
        #expect(map.codeValues == [0])
    }

    @Test func namesTheFirstLabelThatIsNoClass() throws {
        for (classCount, pixel) in [(1, 1), (2, 2), (59, 59)] {
            let values = (0..<60).map { LabelValue.integer($0) }
            let map = try LabelMap.reading(FileArray(values, shape: Self.shape, type: ElementType(.uint8)))
            #expect(
                firstError(map, classCount: classCount)
                    == .labelOutOfRange(.integer(Int64(pixel)), at: position(pixel), classCount: classCount))
        }
    }

    @Test(arguments: [255, 256, 65_534] as [Int64])
    func excusesAnIgnoredLabelThatHasACode(label: Int64) throws {
        var values = Array(repeating: LabelValue.integer(1), count: 60)
        values[20] = .integer(label)
        let map = try LabelMap.reading(FileArray(values, shape: Self.shape, type: ElementType(.int64)))
        #expect(firstError(map, classCount: 2, ignoring: label) == nil)
        #expect(
            firstError(map, classCount: 2, ignoring: label - 1)
                == .labelOutOfRange(.integer(label), at: position(20), classCount: 2))
        // 65,535 stands for "no class" inside; asking to ignore it must not excuse others.
        values[21] = .integer(-1)
        let odd = try LabelMap.reading(FileArray(values, shape: Self.shape, type: ElementType(.int64)))
        #expect(
            firstError(odd, classCount: 65_535, ignoring: 65_535)
                == .labelOutOfRange(.integer(-1), at: position(21), classCount: 65_535))
    }

    /// The kernel takes long runs in blocks: an odd value anywhere in them must be found, and its neighbours kept.
    @Test(arguments: [1, 15, 16, 17, 47, 48, 49, 1023, 1024, 1025, 2100], [ElementType.Scalar.int8, .int32, .int64])
    func keepsTheNeighboursOfAnOddValueInALongRun(count: Int, scalar: ElementType.Scalar) throws {
        for odd in Set([0, 1, 15, 16, 17, count / 2, count - 2, count - 1]) where (0..<count).contains(odd) {
            var values = (0..<count).map { LabelValue.integer(Int64($0 % 128)) }
            values[odd] = .integer(-1)
            let map = try LabelMap.reading(FileArray(values, shape: [1, 1, count], type: ElementType(scalar)))
            var expected = (0..<count).map { $0 % 128 }
            expected[odd] = 65_535
            #expect(map.codeValues == expected)
            #expect(map.others == [LabelMap.Other(value: .integer(-1), pixel: odd)])
        }
    }

    @Test(arguments: [[], [1, 1, 1, 1, 1, 1, 1, 2, 3]]) func refusesTooFewAndTooManyDimensions(shape: [Int]) throws {
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: shape)
        #expect(throws: ScoringError.dimensions(.labels, shape: shape)) {
            try LabelAccumulator(layout: layout, pixelLimit: 100)
        }
    }

    @Test(arguments: [[0, 2, 3], [2, 0, 3], [2, 3, 0]]) func refusesAnExtentOfZero(shape: [Int]) throws {
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: shape)
        #expect(throws: ScoringError.emptyArray(.labels, shape: shape)) {
            try LabelAccumulator(layout: layout, pixelLimit: 100)
        }
    }

    @Test func refusesMorePixelsThanTheLimit() throws {
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: [2, 3, 4])
        _ = try LabelAccumulator(layout: layout, pixelLimit: 24)
        #expect(throws: ScoringError.tooManyPixels(.labels, count: 24, limit: 23)) {
            try LabelAccumulator(layout: layout, pixelLimit: 23)
        }
    }

    /// What the images, checked one after the other, have against them.
    private func firstError(_ map: LabelMap, classCount: Int, ignoring label: Int64? = nil) -> ScoringError? {
        do throws(ScoringError) {
            for image in 0..<map.shape.imageCount {
                try map.check(image: image, classCount: classCount, ignoredLabel: label)
            }
            return nil
        } catch {
            return error
        }
    }
}
