import Memory

@testable import Scoring

/// Confident learning by its definition, one plain loop after the other, in float64.
struct ConfidentReference {
    private let shape: [Int]
    private let labels: [Int]
    private let probabilities: [Double]
    private let ignored: Int?

    private(set) var sums: [Double]
    private(set) var counts: [Int64]
    private(set) var issueCount = 0
    private(set) var cut: Cut?
    private(set) var cellCount = 0
    private(set) var mask: [UInt8]
    private(set) var imageScores: [Double] = []

    /// - Parameters:
    ///   - shape: `(N, K, H, W)`.
    ///   - labels: `(N, H, W)`.
    init(shape: [Int], labels: [Int], probabilities: [Double], downsample: Int = 1, ignored: Int? = nil) {
        self.shape = shape
        self.labels = labels
        self.probabilities = probabilities
        self.ignored = ignored
        sums = [Double](repeating: 0, count: shape[1])
        counts = [Int64](repeating: 0, count: shape[1])
        mask = [UInt8](repeating: 0, count: labels.count)
        findIssues(side: downsample)
    }

    /// A pixel, or a block of them: its label, the probabilities of all classes, and where it lies.
    private struct Cell {
        let label: Int
        let probabilities: [Double]
        let pixels: [Int]

        var own: Double { probabilities[label] }
        var predicted: Int { probabilities.firstIndex(of: largest) ?? 0 }
        var largest: Double { probabilities.max() ?? 0 }
    }

    private func probability(_ pixel: Int, _ classIndex: Int) -> Double {
        let plane = shape[2] * shape[3]
        return probabilities[(pixel / plane * shape[1] + classIndex) * plane + pixel % plane]
    }

    /// The cell of some pixels; nil where none takes part.
    private func cell(_ pixels: [Int]) -> Cell? {
        let kept = pixels.filter { labels[$0] != ignored }
        guard !kept.isEmpty else { return nil }
        let labelMean = Double(kept.map { labels[$0] }.reduce(0, +)) / Double(kept.count)
        var means = (0..<shape[1]).map { classIndex in
            kept.map { probability($0, classIndex) }.reduce(0, +) / Double(kept.count)
        }
        if pixels.count > 1 {
            let total = means.reduce(0, +)
            means = means.map { total > 0 ? $0 / total : 0 }
        }
        return Cell(label: Int(labelMean.rounded(.toNearestOrEven)), probabilities: means, pixels: pixels)
    }

    private mutating func findIssues(side: Int) {
        var cells: [Cell] = []
        for image in 0..<shape[0] {
            for row in stride(from: 0, to: shape[2], by: side) {
                for column in stride(from: 0, to: shape[3], by: side) {
                    let pixels = (row..<row + side).flatMap { y in
                        (column..<column + side).map { x in (image * shape[2] + y) * shape[3] + x }
                    }
                    if let cell = cell(pixels) { cells.append(cell) }
                }
            }
        }
        cellCount = cells.count
        for cell in cells {
            sums[cell.label] += cell.own
            counts[cell.label] += 1
        }
        let thresholds = zip(sums, counts).map { $1 == 0 ? 2e-6 : max($0 / Double($1), 2e-6) }
        issueCount = cells.count { $0.predicted != $0.label && $0.largest >= thresholds[$0.predicted] - 1e-6 }

        // The sort of the standard library is stable: equal scores stay in order.
        let candidates = cells.enumerated().sorted { ($0.element.own, $0.offset) < ($1.element.own, $1.offset) }
            .prefix(issueCount).map(\.element)
        if let last = candidates.last {
            let below = candidates.count { $0.own < last.own }
            cut = Cut(
                score: last.own, countBelow: below, ties: issueCount - below,
                equalCount: cells.count { $0.own == last.own })
        }
        for pixel in candidates.flatMap(\.pixels) {
            let all = (0..<shape[1]).map { probability(pixel, $0) }
            let predicted = all.firstIndex(of: all.max() ?? 0)
            if labels[pixel] != ignored, predicted != labels[pixel] { mask[pixel] = 1 }
        }
        let plane = shape[2] * shape[3]
        imageScores = (0..<shape[0]).map { image in
            let pixels = image * plane..<(image + 1) * plane
            let kept = pixels.count { labels[$0] != ignored }
            let issues = pixels.count { mask[$0] == 1 }
            return kept == 0 ? 1 : 1 - Double(issues) / Double(kept)
        }
    }
}
