import Memory
import Testing

@testable import Scoring

@Suite struct AxisReadingTests {
    /// Shapes of labels and predictions, with whether the labels are one-hot, and whether there is an axis of images.
    static let readings: [([Int], [Int], Bool, Bool)] = [
        // Classes.
        ([2, 4, 5], [2, 3, 4, 5], false, true), ([4, 5], [3, 4, 5], false, false),
        ([2, 6, 4, 5], [2, 3, 6, 4, 5], false, true), ([6, 4, 5], [3, 6, 4, 5], false, false),
        ([7], [3, 7], false, false), ([2, 7], [2, 3, 7], false, true),
        ([2, 1, 1, 1, 1, 1, 5], [2, 3, 1, 1, 1, 1, 1, 5], false, true),
        // Where extents allow both, two axes are one image, and more begin with that of images.
        ([3, 3, 3], [3, 3, 3, 3], false, true), ([3, 3], [3, 3, 3], false, false),
        ([1, 4, 5], [1, 1, 4, 5], false, true),
        // One-hot, with as many classes as the predictions or not.
        ([2, 3, 4, 5], [2, 3, 4, 5], true, true), ([3, 4, 5], [3, 4, 5], true, false),
        ([2, 3, 6, 4, 5], [2, 3, 6, 4, 5], true, true), ([3, 7], [3, 7], true, false),
        ([2, 2, 4, 5], [2, 1, 4, 5], true, true), ([2, 6, 4, 5], [1, 6, 4, 5], true, false),
        ([2, 4, 7], [2, 3, 7], true, true),
    ]

    @Test(arguments: readings)
    func readsAxesByRanksAndExtents(labels: [Int], shape: [Int], areOneHot: Bool, hasImageAxis: Bool) throws {
        let axes = try AxisReading(labels: labels, predictions: shape)
        #expect([axes.areOneHot, axes.hasImageAxis] == [areOneHot, hasImageAxis])
        let reading = axes.labels(labels)
        var space = shape
        space.remove(at: axes.classAxis)
        #expect(reading.shape.dimensions == space)
        #expect(reading.classCount == (areOneHot ? labels[axes.classAxis] : nil))
        let layout = try TensorLayout(elementType: ElementType(.float32), shape: shape, order: .fortran)
        let plain = axes.plain(layout)
        #expect(plain.elementCount == layout.elementCount && plain.order == .fortran)
        let classes = try ScoringShape(labels: reading.shape, predictedProbabilities: plain.shape).classCount
        #expect(classes == shape[axes.classAxis])
    }

    @Test(
        arguments: [
            ([4, 5], [1, 3, 4, 5]), ([2, 4, 5], [4, 5]), ([], [3]), ([5], [5, 1, 1]), ([3], [3]),
            ([2, 1, 1, 1, 1, 1, 1, 5], [2, 3, 1, 1, 1, 1, 1, 1, 5]),
        ])
    func refusesRanksThatDoNotGoTogether(labels: [Int], shape: [Int]) {
        #expect(throws: ScoringError.ranks(.predictedProbabilities, labels: labels, shape: shape)) {
            try AxisReading(labels: labels, predictions: shape)
        }
    }

    @Test func refusesExtentsThatDoNotMatch() {
        let expected: [([Int], [Int], ScoringError)] = [
            (
                [2, 4, 5], [2, 3, 4, 6],
                .shapeMismatch(.predictedProbabilities, expected: [2, 3, 4, 5], actual: [2, 3, 4, 6])
            ),
            ([4, 5], [3, 5, 4], .shapeMismatch(.predictedProbabilities, expected: [3, 4, 5], actual: [3, 5, 4])),
            (
                [2, 3, 4, 6], [2, 3, 4, 5],
                .oneHotMismatch(.predictedProbabilities, labels: [2, 3, 4, 6], shape: [2, 3, 4, 5])
            ),
            ([2, 1, 4, 5], [2, 3, 4, 5], .singleClass(labels: [2, 1, 4, 5], axis: 1)),
            ([1, 4, 5], [3, 4, 5], .singleClass(labels: [1, 4, 5], axis: 0)),
            ([2, 4, 5], [2, 3, 0, 5], .emptyArray(.predictedProbabilities, shape: [2, 3, 0, 5])),
        ]
        for (labels, shape, error) in expected {
            #expect(throws: error) { try AxisReading(labels: labels, predictions: shape) }
        }
    }

    @Test(arguments: [
        ([2, 4, 5], [2, 4, 5], false, true), ([2, 6, 4, 5], [2, 6, 4, 5], false, true),
        ([4, 5], [4, 5], false, false), ([7], [7], false, false), ([2, 3, 4, 5], [2, 4, 5], true, true),
        ([3, 4, 5], [4, 5], true, false), ([3, 6, 4, 5], [6, 4, 5], true, false),
        ([3, 3, 4, 5], [3, 4, 5], true, true), ([3, 7], [7], true, false),
    ])
    func readsArraysWithoutClasses(labels: [Int], shape: [Int], areOneHot: Bool, hasImageAxis: Bool) throws {
        let axes = try AxisReading(labels: labels, reduced: shape)
        #expect(axes.areOneHot == areOneHot)
        #expect(axes.hasImageAxis == hasImageAxis)
        #expect(axes.labels(labels).shape.dimensions == shape)
        #expect(axes.labels(labels).classCount == (areOneHot ? 3 : nil))
    }

    @Test(arguments: [
        ([2, 4, 5], [2, 4], [4, 5]), ([2, 4, 5], [2, 4, 6], [2, 4, 5]), ([2, 4, 5], [5], [2, 4, 5]),
        ([2, 3, 4, 5], [2, 5, 4], [2, 4, 5]), ([4, 5], [2, 4, 5], [4, 5]),
    ])
    func refusesArraysWithoutClassesOfAnotherShape(labels: [Int], shape: [Int], expected: [Int]) {
        #expect(throws: ScoringError.shapeMismatch(.own, expected: expected, actual: shape)) {
            try AxisReading(labels: labels, reduced: shape)
        }
    }
}
