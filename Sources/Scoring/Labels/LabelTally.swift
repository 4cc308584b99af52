/// What a rule has met among labels that it was to make classes of.
struct LabelTally {
    /// The marks of all entries of the table that were used.
    private var marks: UInt32 = 0
    /// The first pixel whose value is neither a class nor ignored, and how many pixels have such values.
    private var unnamed: (first: LabelMap.Other, count: Int)?

    mutating func add(marks: UInt32) {
        self.marks |= marks
    }

    /// Counts a pixel whose value is neither a class nor ignored.
    mutating func add(unnamed value: @autoclosure () -> LabelValue, at pixel: Int) {
        unnamed = (unnamed?.first ?? LabelMap.Other(value: value(), pixel: pixel), (unnamed?.count ?? 0) + 1)
    }

    /// Adds what was met in further images, which lie behind so many pixels.
    mutating func add(_ other: LabelTally, behind pixelCount: Int) {
        marks |= other.marks
        guard let more = other.unnamed else { return }
        let first = LabelMap.Other(value: more.first.value, pixel: pixelCount + more.first.pixel)
        unnamed = (unnamed?.first ?? first, (unnamed?.count ?? 0) + more.count)
    }

    /// Proves that the rule has made a class of each label, or a pixel that takes no part.
    ///
    /// - Parameters:
    ///   - shape: The shape of the labels.
    /// - Throws: ``ScoringError/labelUnnamed(_:at:pixelCount:_:)`` or ``ScoringError/labelsReducedBefore``.
    func check(_ rule: LabelRuleKind, shape: LabelShape) throws(ScoringError) {
        if let unnamed {
            throw .labelUnnamed(
                unnamed.first.value, at: shape.position(of: unnamed.first.pixel), pixelCount: unnamed.count, rule)
        }
        // Masks that have been reduced have 255 where they had 0. Masks that have not may lack 0, or have 255.
        let (zero, void) = (LabelTable.Mark.zero, LabelTable.Mark.void)
        if rule == .reduceZero, marks & (zero | void) == void { throw .labelsReducedBefore }
    }
}
