package import Memory

/// Counts the issues by label and most probable class, which shows the classes that are taken for each other.
///
/// - SeeAlso: cleanlab/cleanlab `cleanlab/segmentation/summary.py`, `common_label_issues`.
package struct IssueSummary: Sendable {
    /// Issues that have the same label and the same most probable class.
    package struct Row: Equatable, Sendable {
        package let givenLabel: Int
        package let predictedLabel: Int
        package let issueCount: Int
    }

    /// The pairs, the most frequent first; of equally frequent ones the lower label first, then the lower class.
    package let rows: [Row]

    /// Counts the issues.
    ///
    /// - Parameters:
    ///   - parts: Masks, `(N, H, W)`, 1 at an issue, and the scores that they were made of, with predicted classes.
    ///   - excluded: Most probable classes whose issues do not count.
    /// - Complexity: O(N·H·W + P·log P) for P pairs of classes.
    package init(_ parts: some Sequence<(Buffer<UInt8>, SegmentationScores)>, excluding excluded: Set<Int> = []) {
        var counts: [UInt32: Int] = [:]
        for (mask, scores) in parts {
            precondition(mask.count == scores.shape.pixelCount)
            let ofPart =
                switch (scores.labels.codes, scores.predicted) {
                case (.narrow(let labels), .narrow(let predicted)?): Self.count(mask, labels, predicted)
                case (.wide(let labels), .wide(let predicted)?): Self.count(mask, labels, predicted)
                default: preconditionFailure("labels and predicted classes are kept alike")
                }
            counts.merge(ofPart, uniquingKeysWith: +)
        }
        rows = counts.map { pair, count in
            Row(givenLabel: Int(pair >> 16), predictedLabel: Int(pair & 0xffff), issueCount: count)
        }
        .filter { !excluded.contains($0.predictedLabel) }
        .sorted { first, second in
            (second.issueCount, first.givenLabel, first.predictedLabel)
                < (first.issueCount, second.givenLabel, second.predictedLabel)
        }
    }

    /// The number of issues of each pair: the label in the upper 16 bits, the class in the lower.
    private static func count<Code: UnsignedInteger & BitwiseCopyable & Sendable>(
        _ mask: Buffer<UInt8>, _ labels: Buffer<Code>, _ predicted: Buffer<Code>
    ) -> [UInt32: Int] {
        var counts: [UInt32: Int] = [:]
        // Neighbours mostly are of one pair, so that the dictionary is asked only when the pair changes.
        var last: (pair: UInt32, count: Int) = (0, 0)
        for index in 0..<mask.count where mask.span[index] != 0 {
            let pair = UInt32(labels.span[index]) << 16 | UInt32(predicted.span[index])
            if pair != last.pair {
                counts[last.pair, default: 0] += last.count
                last = (pair, 0)
            }
            last.count += 1
        }
        counts[last.pair, default: 0] += last.count
        return counts.filter { $0.value > 0 }
    }
}
