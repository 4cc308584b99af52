import Memory

/// All labels of a request, of which classes are made as soon as the rule for them is certain.
///
/// The rule may come behind the labels. So what came is kept until then, and besides what the rule that was known makes
/// of it, so that mostly no label has to be looked at again.
package struct ArrivedLabels {
    /// Labels that came as one array.
    private struct Part {
        let shape: [Int]
        let raw: RawLabels
        let mapped: MappedLabels?
    }

    /// `(N, H, W)`.
    package let shape: [Int]
    private var parts: [Part]
    /// The classes; nil until they were asked for.
    private var classes: LabelMap?

    init(shape: [Int], raw: RawLabels, mapped: MappedLabels?) {
        self.shape = shape
        parts = [Part(shape: shape, raw: raw, mapped: mapped)]
    }

    /// Takes labels that are classes, of which a rule may make others.
    package init(_ labels: LabelMap) {
        self.init(shape: labels.shape, raw: RawLabels(labels.codes), mapped: nil)
    }

    /// Joins the labels of several images along the first dimension.
    ///
    /// - Parameter images: At least one, all with the same H and W, and none asked for its classes.
    init(joining images: [ArrivedLabels]) {
        guard let first = images.first else { preconditionFailure("there is something to join") }
        // The sum cannot overflow, since all of the images are in memory.
        shape = [images.reduce(0) { $0 + $1.shape[0] }] + first.shape[1...]
        parts = images.flatMap(\.parts)
    }

    /// Whether ``classes(by:)`` finds the classes without looking at each label.
    package func areMapped(by rule: LabelRule?) -> Bool {
        parts.allSatisfy { part in
            rule == nil ? part.raw.hasOwnCodes : part.mapped?.rule == rule
        }
    }

    /// The classes. What came is forgotten, so that later calls bring the same.
    ///
    /// - Parameters:
    ///   - rule: The rule; nil if labels are classes and at most one is ignored, which is found later.
    /// - Throws: ``ScoringError/labelUnnamed(_:at:pixelCount:_:)``, ``ScoringError/labelsReducedBefore`` or
    ///   ``ScoringError/memory(_:)``.
    package mutating func classes(by rule: LabelRule?) throws(ScoringError) -> LabelMap {
        if let classes { return classes }
        let found = if let rule { try map(by: rule) } else { try plain() }
        classes = found
        parts = []
        return found
    }

    private func map(by rule: LabelRule) throws(ScoringError) -> LabelMap {
        var (maps, tally, pixelCount) = ([LabelMap](), LabelTally(), 0)
        for part in parts {
            let mapped: MappedLabels
            if let known = part.mapped, known.rule == rule {
                mapped = known
            } else {
                var mapper = try LabelMapper(count: part.raw.codes.count, by: rule)
                try mapper.take(part.raw.all, of: part.raw)
                mapped = mapper.finish()
            }
            maps.append(LabelMap(shape: part.shape, codes: mapped.codes, others: [], rule: rule.kind))
            tally.add(mapped.tally, behind: pixelCount)
            pixelCount += mapped.codes.count
        }
        try tally.check(rule.kind, shape: shape)
        return try LabelMap(joining: maps)
    }

    /// The labels as classes of the same numbers. Values that cannot be classes share one code.
    private func plain() throws(ScoringError) -> LabelMap {
        var maps: [LabelMap] = []
        for part in parts {
            let (codes, others) = try part.raw.plain()
            maps.append(LabelMap(shape: part.shape, codes: codes, others: others))
        }
        return try LabelMap(joining: maps)
    }
}
