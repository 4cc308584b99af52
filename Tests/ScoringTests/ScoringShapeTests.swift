import Foundation
import Testing

@testable import Scoring

@Suite struct ScoringShapeTests {
    @Test func refusesBlocksWhosePixelsCannotBeCounted() throws {
        let shape = try ScoringShape(labels: [1, 1 << 17, 1 << 17], predictedProbabilities: [1, 2, 1 << 17, 1 << 17])
        try shape.check(downsample: 1 << 15)
        #expect(throws: ScoringError.downsample(1 << 16, height: 1 << 17, width: 1 << 17)) {
            try shape.check(downsample: 1 << 16)
        }
    }

    @Test func takesItsExtentsFromPredProbs() throws {
        let shape = try ScoringShape(labels: [2, 4, 5], predictedProbabilities: [2, 3, 4, 5])
        let extents: [Int] = [shape.imageCount, shape.classCount, shape.height, shape.width]
        #expect(extents == [2, 3, 4, 5] as [Int])
        #expect(shape.pixelsPerImage == 20)
        #expect(shape.pixelCount == 40)
    }

    @Test(arguments: [[], [2], [2, 4, 5], [2, 3, 4, 5, 1]]) func refusesAnotherRank(shape: [Int]) {
        #expect(throws: ScoringError.rank(.predictedProbabilities, expected: 4, shape: shape)) {
            try ScoringShape(labels: [2, 4, 5], predictedProbabilities: shape)
        }
    }

    @Test(arguments: 0..<4) func refusesAnExtentOfZero(axis: Int) {
        var shape = [2, 3, 4, 5]
        shape[axis] = 0
        #expect(throws: ScoringError.emptyArray(.predictedProbabilities, shape: shape)) {
            try ScoringShape(labels: [2, 4, 5], predictedProbabilities: shape)
        }
    }

    @Test(arguments: [[1, 3, 4, 5], [2, 3, 5, 5], [2, 3, 4, 4], [2, 3, 5, 4], [2, 4, 5, 3]])
    func refusesExtentsThatAreNotThoseOfLabels(shape: [Int]) {
        #expect(
            throws: ScoringError.shapeMismatch(
                .predictedProbabilities, expected: [2, shape[1], 4, 5], actual: shape)
        ) {
            try ScoringShape(labels: [2, 4, 5], predictedProbabilities: shape)
        }
    }

    @Test func refusesMoreClassesThanLabelsCanName() throws {
        #expect(try ScoringShape(labels: [1, 1, 1], predictedProbabilities: [1, 65_535, 1, 1]).classCount == 65_535)
        #expect(throws: ScoringError.tooManyClasses(65_536, limit: 65_535)) {
            try ScoringShape(labels: [1, 1, 1], predictedProbabilities: [1, 65_536, 1, 1])
        }
    }

    @Test func cutsBlocksFromImagesOfTwoDimensionsAlone() throws {
        let labels = LabelShape(imageCount: 2, space: [4, 6, 8])
        let shape = try ScoringShape(labels: labels, predictedProbabilities: [2, 3, 24, 8])
        try shape.check(downsample: 1)
        #expect(throws: ScoringError.downsampleOfSpace(2, space: [4, 6, 8])) { try shape.check(downsample: 2) }
    }

    @Test(
        arguments: [
            LabelShape([2, 4, 6]), LabelShape([4, 6], hasImageAxis: false), LabelShape([2, 3, 4, 6]),
            LabelShape([2, 9]), LabelShape([9], hasImageAxis: false),
        ]) func comesBackFromAFile(labels: LabelShape) throws
    {
        let shape = try ScoringShape(
            labels: labels, predictedProbabilities: [labels.imageCount, 3, labels.height, labels.width])
        let data = try JSONEncoder().encode(shape)
        #expect(try JSONDecoder().decode(ScoringShape.self, from: data) == shape)
    }

    @Test func readsWhatEarlierVersionsWrote() throws {
        let text = #"{"imageCount": 2, "classCount": 3, "height": 4, "width": 6}"#
        let shape = try JSONDecoder().decode(ScoringShape.self, from: Data(text.utf8))
        #expect(shape == (try ScoringShape(labels: [2, 4, 6], predictedProbabilities: [2, 3, 4, 6])))
    }

    @Test(
        arguments: [
            #""space": [3, 8]"#, #""space": []"#, #""space": [2, 0, 6]"#, #""space": [1, 1, 1, 1, 1, 1, 4, 6]"#,
            #""hasImageAxis": false"#,
        ]) func refusesAFileThatContradictsItself(change: String)
    {
        let text = #"{"imageCount": 2, "classCount": 3, "height": 4, "width": 6, "# + change + "}"
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ScoringShape.self, from: Data(text.utf8)) }
    }

    @Test func namesThePlaceInTheShapeOfLabels() {
        let volume = LabelShape([2, 3, 4, 5])
        #expect(volume.position(of: 119) == .init(image: 1, place: [2, 3, 4]))
        #expect(LabelShape([3, 4], hasImageAxis: false).position(of: 7) == .init(image: nil, place: [1, 3]))
    }

    @Test func findsThePixelOfEveryIndex() throws {
        let shape = try ScoringShape(labels: [2, 3, 5], predictedProbabilities: [2, 1, 3, 5])
        var index = 0
        for image in 0..<2 {
            for row in 0..<3 {
                for column in 0..<5 {
                    #expect(shape.position(of: index) == .init(image: image, row: row, column: column))
                    index += 1
                }
            }
        }
    }
}
