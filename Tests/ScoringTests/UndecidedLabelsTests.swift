import Memory
import Testing

@testable import Scoring

@Suite struct UndecidedLabelsTests {
    private static let rule = LabelRule(ignored: [], change: .map([0: .classIndex(2), 1: .classIndex(0)]))

    /// Labels that came in pieces ahead of predictions.
    private func arrived(
        _ array: FileArray, chunk: Int, limit: Int = .max, rule: LabelRule? = nil
    ) throws -> ArrivedLabels {
        let accumulator = try UndecidedLabels(layout: array.layout, pixelLimit: limit, rule: rule)
        try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        return accumulator.finish()
    }

    /// The elements `(N, K, pixels)` of one-hot labels of classes `(N, pixels)`.
    private func oneHot(_ classes: [Int], images: Int, classCount: Int) -> [LabelValue] {
        let plane = classes.count / images
        return (0..<images).flatMap { image in
            (0..<classCount).flatMap { index in
                (0..<plane).map { .integer(classes[image * plane + $0] == index ? 1 : 0) }
            }
        }
    }

    private static let types = [ElementType(.uint8), ElementType(.int64), ElementType(.float32)]
    private static let typesAndOrders = types.flatMap { type in orders.map { (type, $0) } }

    @Test(arguments: typesAndOrders, [1, 7, 0])
    func areBothWhatTheyMayBeIfTheyLookOneHot(kind: (ElementType, TensorLayout.Order), chunk: Int) throws {
        let (type, order) = kind
        let shape = [2, 3, 2, 4]
        let classes = (0..<16).map { $0 * 5 % 3 }
        let values = oneHot(classes, images: 2, classCount: 3)
        let array = try FileArray(values, shape: shape, type: type, order: order)
        var labels = try arrived(array, chunk: chunk)
        let axes = try AxisReading(labels: shape, predictions: shape)
        #expect(labels.areMapped(by: nil, as: axes.labels(shape)))
        #expect(try labels.classes(by: nil, as: axes.labels(shape)).codeValues == classes)

        let volume = try AxisReading(labels: shape, predictions: [2, 5, 3, 2, 4]).labels(shape)
        labels = try arrived(array, chunk: chunk)
        #expect(!labels.areMapped(by: nil, as: volume))
        let map = try labels.classes(by: nil, as: volume)
        #expect(map.codeValues.map { LabelValue.integer(Int64($0)) } == values)
        #expect(map.shape.dimensions == shape)

        labels = try arrived(array, chunk: chunk)
        let mapped = values.map { (value: LabelValue) -> Int in value == LabelValue.integer(0) ? 2 : 0 }
        #expect(try labels.classes(by: Self.rule, as: volume).codeValues == mapped)
        labels = try arrived(array, chunk: chunk)
        let turned = LabelRule(
            ignored: [], change: .map([0: .classIndex(2), 1: .classIndex(0), 2: .classIndex(1)]))
        #expect(try labels.classes(by: turned, as: axes.labels(shape)).codeValues == classes.map { ($0 + 2) % 3 })
    }

    @Test(arguments: typesAndOrders, 0..<48)
    func areClassesFromTheFirstElementOnThatNoOneHotLabelsHave(
        kind: (ElementType, TensorLayout.Order), place: Int
    ) throws {
        let ((type, order), chunk) = (kind, [1, 7, 0][place / 2 % 3])
        let shape = [2, 3, 2, 2, 2]
        let classes = (0..<16).map { $0 * 5 % 3 }
        var values = oneHot(classes, images: 2, classCount: 3)
        // Another value, or a second one of a pixel.
        values[place] = place % 2 == 0 ? .integer(2) : .integer(1)
        let array = try FileArray(values, shape: shape, type: type, order: order)
        let volume = try AxisReading(labels: shape, predictions: [2, 5, 3, 2, 2, 2]).labels(shape)
        for rule in [nil, Self.rule] {
            var labels = try arrived(array, chunk: chunk, rule: rule)
            #expect(try labels.classes(by: nil, as: volume).codeValues.map { LabelValue.integer(Int64($0)) } == values)
        }
        var labels = try arrived(array, chunk: chunk)
        let axes = try AxisReading(labels: shape, predictions: shape).labels(shape)
        guard place % 2 == 1, classes[place / 24 * 8 + place % 8] == place / 8 % 3 else {
            #expect(throws: ScoringError.self) { try labels.classes(by: nil, as: axes) }
            return
        }
        #expect(try labels.classes(by: nil, as: axes).codeValues == classes)
    }

    @Test func aMapThatIsKnownIsAppliedToAllThatCame() throws {
        let shape = [1, 2, 2, 3]
        let values: [LabelValue] = [0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0].map { .integer($0) }
        let volume = try AxisReading(labels: shape, predictions: [1, 3, 2, 2, 3]).labels(shape)
        for order in orders {
            let array = try FileArray(values, shape: shape, type: ElementType(.uint8), order: order)
            var labels = try arrived(array, chunk: 1, rule: Self.rule)
            #expect(labels.areMapped(by: Self.rule, as: volume))
            let expected = values.map { (value: LabelValue) -> Int in value == LabelValue.integer(0) ? 2 : 0 }
            #expect(try labels.classes(by: Self.rule, as: volume).codeValues == expected)
        }
    }

    @Test func oneHotLabelsThatAreTooManyForClassesAreRefusedAtTheirFault() throws {
        let shape = [1, 3, 2, 2]
        let values = oneHot([0, 1, 2, 0], images: 1, classCount: 3)
        let type = ElementType(.uint8)
        let axes = try AxisReading(labels: shape, predictions: shape).labels(shape)
        let volume = try AxisReading(labels: shape, predictions: [1, 2, 3, 2, 2]).labels(shape)
        var labels = try arrived(try FileArray(values, shape: shape, type: type), chunk: 0, limit: 4)
        #expect(try labels.classes(by: nil, as: axes).codeValues == [0, 1, 2, 0])
        labels = try arrived(try FileArray(values, shape: shape, type: type), chunk: 0, limit: 4)
        #expect(throws: ScoringError.tooManyPixels(.labels, count: 12, limit: 4)) {
            try labels.classes(by: nil, as: volume)
        }
        let wrong = try FileArray([.integer(7)] + values.dropFirst(), shape: shape, type: type)
        #expect(throws: ScoringError.oneHot(.value(.integer(7)), at: .init(image: 0, row: 0, column: 0))) {
            try arrived(wrong, chunk: 0, limit: 4)
        }
    }

    @Test(arguments: orders) func labelsOfThreeAxesAreOneImageIfPredictionsHaveThree(order: TensorLayout.Order) throws {
        let classes = [0, 1, 2, 2, 1, 0]
        let array = try FileArray(
            oneHot(classes, images: 1, classCount: 3), shape: [3, 2, 3], type: ElementType(.uint16), order: order)
        let axes = try AxisReading(labels: [3, 2, 3], predictions: [3, 2, 3]).labels([3, 2, 3])
        let accumulator = try LabelAccumulator(layout: array.layout, pixelLimit: .max)
        try array.forEachChunk(of: 0) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        var labels = accumulator.finish()
        let map = try labels.classes(by: nil, as: axes)
        #expect(map.codeValues == classes)
        #expect(map.shape.dimensions == [2, 3])
    }

    @Test func whatIsNotOneHotIsNamedInTheShapeOfLabels() throws {
        let reading = try AxisReading(labels: [2, 1, 3], predictions: [2, 1, 3]).labels([2, 1, 3])
        let wrong: [([Int64], ScoringError.OneHotFault)] = [
            ([1, 0, 1, 0, 0, 0], .none), ([1, 1, 0, 0, 1, 1], .several), ([1, -3, 0, 0, 1, 1], .value(.integer(-3))),
        ]
        for (values, fault) in wrong {
            let array = try FileArray(values.map { .integer($0) }, shape: [2, 1, 3], type: ElementType(.int8))
            let accumulator = try LabelAccumulator(layout: array.layout, pixelLimit: .max)
            try array.forEachChunk(of: 0) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
            var labels = accumulator.finish()
            #expect(throws: ScoringError.oneHot(fault, at: .init(image: nil, place: [0, 1]))) {
                try labels.classes(by: nil, as: reading)
            }
        }
    }
}
