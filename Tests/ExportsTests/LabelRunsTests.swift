import Memory
import Testing

@testable import Exports

@Suite struct LabelRunsTests {
    /// The pieces of classes, each by a walk from its first pixel over the neighbours.
    private func pieces(_ labels: [UInt16], width: Int, classCount: Int) -> [(label: Int, pixels: [Int])] {
        var (seen, pieces) = (Set<Int>(), [(label: Int, pixels: [Int])]())
        let height = labels.count / width
        for first in labels.indices where labels[first] < classCount && seen.insert(first).inserted {
            var (piece, next) = ([first], 0)
            while next < piece.count {
                let (row, column) = piece[next].quotientAndRemainder(dividingBy: width)
                for y in max(row - 1, 0)...min(row + 1, height - 1) {
                    for x in max(column - 1, 0)...min(column + 1, width - 1) {
                        let other = y * width + x
                        if labels[other] == labels[first], seen.insert(other).inserted { piece.append(other) }
                    }
                }
                next += 1
            }
            pieces.append((Int(labels[first]), piece.sorted()))
        }
        return pieces
    }

    @Test(arguments: [(1, 1), (1, 9), (9, 1), (7, 5), (40, 33)], [1, 2, 3, 7])
    func cutsPiecesAsAWalkDoes(size: (width: Int, height: Int), classCount: Int) throws {
        // A value more than there are classes, of pixels that take no part.
        let labels = pattern(size.width, size.height, below: classCount + 1)
        let runs = try LabelRuns(
            Buffer(labels), width: size.width, height: size.height, classCount: classCount, cut: .pieces)
        let expected = pieces(labels, width: size.width, classCount: classCount)
        try #require(runs.count == expected.count)
        for (index, piece) in expected.enumerated() {
            let mask = try runs.mask(index)
            #expect(mask.label == piece.label)
            #expect(mask.pixels(width: size.width) == piece.pixels)
            #expect(mask.area == piece.pixels.count)
        }
    }

    @Test func gathersClasses() throws {
        let labels = pattern(31, 17, below: 9).map { $0 == 4 ? 65_535 : $0 }
        let runs = try LabelRuns(Buffer(labels), width: 31, height: 17, classCount: 8, cut: .classes)
        let classes = [0, 1, 2, 3, 5, 6, 7]
        try #require(runs.count == classes.count)
        for (index, label) in classes.enumerated() {
            let mask = try runs.mask(index)
            #expect(mask.label == label)
            #expect(mask.pixels(width: 31) == labels.indices.filter { labels[$0] == label })
        }
    }
}
