import Memory

/// All labels of a request, of which classes are made as soon as it is certain how they are read, and by which rule.
///
/// Both may be known only behind the labels. So what came is kept until then, and besides what the rule that was known
/// makes of it, so that mostly no label has to be looked at again.
package struct ArrivedLabels {
    /// Labels that came as one array.
    private struct Part {
        let raw: RawLabels
        let mapped: MappedLabels?
    }

    /// The classes of labels that may be one-hot, from which all of their elements follow.
    private struct Ones {
        let codes: ClassCodes
        let reading: LabelReading
        /// The largest number of labels that are no one-hot ones.
        let pixelLimit: Int
    }

    /// The shape in which the labels came.
    package let shape: [Int]
    private var parts: [Part]
    private var ones: Ones?
    /// What keeps the labels from being one-hot, with classes on the second axis; nil if nobody has looked.
    private var fault: ScoringError?
    /// The classes; nil until they were asked for.
    private var classes: LabelMap?

    init(layout: TensorLayout, raw: RawLabels, mapped: MappedLabels?) {
        shape = layout.shape
        parts = [Part(raw: raw, mapped: mapped)]
    }

    /// Takes labels that may be one-hot.
    package init(_ labels: OneHotAccumulator, pixelLimit: Int = .max) {
        shape = labels.layout.shape
        parts = []
        ones = Ones(
            codes: labels.codes, reading: LabelReading(shape: labels.shape, classCount: labels.classCount),
            pixelLimit: pixelLimit)
    }

    /// The same labels, which cannot be one-hot.
    func withFault(_ fault: ScoringError?) -> ArrivedLabels {
        var copy = self
        copy.fault = fault
        return copy
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

    /// Whether ``classes(by:as:)`` finds the classes without looking at each label.
    ///
    /// - Parameters:
    ///   - rule: The rule; nil if labels are classes.
    ///   - reading: How the labels are read; nil if they are classes, `(N, H, W)`.
    package func areMapped(by rule: LabelRule?, as reading: LabelReading? = nil) -> Bool {
        if let ones { return rule == nil && ones.reading == reading }
        return reading?.classCount == nil
            && parts.allSatisfy { part in rule == nil ? part.raw.hasOwnCodes : part.mapped?.rule == rule }
    }

    /// The classes. What came is forgotten, so that later calls bring the same.
    ///
    /// - Parameters:
    ///   - rule: The rule; nil if labels are classes and at most one is ignored, which is found later.
    ///   - reading: How the labels are read; nil if they are classes, `(N, H, W)`.
    /// - Throws: ``ScoringError/labelUnnamed(_:at:pixelCount:_:)``, ``ScoringError/labelsReducedBefore``,
    ///   ``ScoringError/oneHot(_:at:)``, ``ScoringError/tooManyClasses(_:limit:)``,
    ///   ``ScoringError/tooManyPixels(_:count:limit:)`` or ``ScoringError/memory(_:)``.
    package mutating func classes(by rule: LabelRule?, as reading: LabelReading? = nil) throws(ScoringError) -> LabelMap
    {
        if let classes { return classes }
        let reading = reading ?? LabelReading(shape: LabelShape(shape))
        try settle(reading)
        let found = if let rule { try map(by: rule, reading.shape) } else { try plain(reading.shape) }
        classes = found
        parts = []
        return found
    }

    /// Brings the labels into the form in which they are read.
    private mutating func settle(_ reading: LabelReading) throws(ScoringError) {
        if let ones {
            self.ones = nil
            if ones.reading == reading {
                let map = try LabelMap(ones: ones.codes, classCount: reading.classCount ?? 0, shape: reading.shape)
                parts = [Part(raw: RawLabels(map.codes), mapped: nil)]
                return
            }
            let (shape, classCount) = (ones.reading.shape, ones.reading.classCount ?? 1)
            let count = shape.pixelCount * classCount
            guard reading.classCount != nil || count <= ones.pixelLimit else {
                throw .tooManyPixels(.labels, count: count, limit: ones.pixelLimit)
            }
            let raw = try RawLabels(ones: ones.codes, of: shape, classCount: classCount)
            parts = [Part(raw: raw, mapped: nil)]
        }
        guard let classCount = reading.classCount else { return }
        if let fault, reading.shape.hasImageAxis { throw fault }
        guard parts.count == 1 else { preconditionFailure("images of labels are classes") }
        let map = try parts[0].raw.onesAsClasses(reading.shape, classCount: classCount)
        parts = [Part(raw: RawLabels(map.codes), mapped: nil)]
    }

    private func map(by rule: LabelRule, _ shape: LabelShape) throws(ScoringError) -> LabelMap {
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
            maps.append(LabelMap(shape: shape, codes: mapped.codes, others: [], rule: rule.kind))
            tally.add(mapped.tally, behind: pixelCount)
            pixelCount += mapped.codes.count
        }
        try tally.check(rule.kind, shape: shape)
        return try LabelMap(joining: maps, shape: shape)
    }

    /// The labels as classes of the same numbers. Values that cannot be classes share one code.
    private func plain(_ shape: LabelShape) throws(ScoringError) -> LabelMap {
        var maps: [LabelMap] = []
        for part in parts {
            let (codes, others) = try part.raw.plain()
            maps.append(LabelMap(shape: shape, codes: codes, others: others))
        }
        return try LabelMap(joining: maps, shape: shape)
    }
}
