import Memory

extension LabelMap {
    /// Joins the labels of several images along the first dimension.
    ///
    /// - Parameters:
    ///   - parts: At least one, all with the same space, and by the same rule.
    ///   - shape: The shape of all of them together.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W), and no copy if there is one part.
    init(joining parts: [LabelMap], shape: LabelShape) throws(ScoringError) {
        guard let first = parts.first else { preconditionFailure("there is something to join") }
        guard parts.count > 1 else {
            self = first
            return
        }
        let codes = try ClassCodes(count: shape.pixelCount, isWide: parts.contains { $0.codes.isWide })
        var others: [Other] = []
        var pixel = 0
        for part in parts {
            let wanted =
                codes.isWide && part.rule != nil ? try part.codes.widened(keepingAllOnes: true) : part.codes
            Kernels.copy(wanted, into: codes, at: pixel)
            for other in part.others where others.count < 2 && !others.contains(where: { $0.value == other.value }) {
                others.append(Other(value: other.value, pixel: pixel + other.pixel))
            }
            pixel += part.codes.count
        }
        self.init(shape: shape, codes: codes, others: others, rule: first.rule)
    }
}
