import Memory

/// Makes classes of labels by a rule, while they arrive or afterwards.
struct LabelMapper {
    private let rule: LabelRule
    private var table: LabelTable
    /// All ones stand for pixels that take no part.
    private var codes: ClassCodes
    private var tally = LabelTally()

    /// - Throws: ``ScoringError/memory(_:)``.
    init(count: Int, by rule: LabelRule) throws(ScoringError) {
        self.rule = rule
        table = try LabelTable(rule)
        codes = .narrow(try allocate(count, isZeroed: false))
    }

    /// Takes labels that have come.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    mutating func take(_ run: ElementRuns.Run, of raw: RawLabels) throws(ScoringError) {
        let marks = try table.map(run, of: raw, into: codes)
        tally.add(marks: marks)
        if marks & LabelTable.Mark.wide != 0, !codes.isWide {
            codes = try codes.widened(keepingAllOnes: true)
            _ = try table.map(run, of: raw, into: codes)
        }
        guard marks & LabelTable.Mark.unnamed != 0 else { return }
        for index in 0..<run.count {
            let pixel = run.firstPixel + index * run.stride
            let code = raw.codes[pixel]
            guard table.entries.span[code] & LabelTable.Mark.unnamed != 0 else { continue }
            tally.add(unnamed: raw.value(of: code), at: pixel)
        }
    }

    /// The classes, after all labels have been taken.
    func finish() -> MappedLabels { MappedLabels(rule: rule, codes: codes, tally: tally) }
}

/// Labels of which a rule has made classes, as far as it could.
struct MappedLabels {
    let rule: LabelRule
    let codes: ClassCodes
    let tally: LabelTally
}
