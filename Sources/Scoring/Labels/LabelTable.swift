import Memory

/// What a rule makes of each code of labels as they came. An entry is found when a label first has the code.
struct LabelTable {
    /// The lower bits of an entry are the code of the class, all ones for a pixel that takes no part; these are marks.
    enum Mark {
        /// The value is neither a class nor ignored.
        static let unnamed: UInt32 = 1 << 16
        /// The class needs a code of two bytes.
        static let wide: UInt32 = 1 << 17
        /// The value is 0.
        static let zero: UInt32 = 1 << 18
        /// The value is 255.
        static let void: UInt32 = 1 << 19
        /// The entry has not been found yet.
        static let open: UInt32 = 1 << 20
    }

    private let rule: LabelRule
    /// One entry for each code, or for each code of one byte while there are no others.
    private(set) var entries: Buffer<UInt32>

    /// - Throws: ``ScoringError/memory(_:)``.
    init(_ rule: LabelRule) throws(ScoringError) {
        self.rule = rule
        entries = try Self.open(1 << 8)
    }

    private static func open(_ count: Int) throws(ScoringError) -> Buffer<UInt32> {
        let entries: Buffer<UInt32> = try allocate(count, isZeroed: false)
        entries.withMutableSpan { span in
            for code in span.indices { span[code] = Mark.open }
        }
        return entries
    }

    /// Stores the classes of labels that have come.
    ///
    /// - Returns: The marks of their entries.
    /// - Throws: ``ScoringError/memory(_:)``.
    mutating func map(
        _ run: ElementRuns.Run, of raw: RawLabels, into codes: ClassCodes
    ) throws(ScoringError) -> UInt32 {
        if raw.codes.isWide, entries.count < 1 << 16 { entries = try Self.open(1 << 16) }
        let marks = Kernels.map(raw.codes, run, by: entries, into: codes)
        guard marks & Mark.open != 0 else { return marks }
        for index in 0..<run.count {
            let code = raw.codes[run.firstPixel + index * run.stride]
            guard entries.span[code] & Mark.open != 0 else { continue }
            let found = code == Int(RawLabels.unlikeCode) ? Self.nothing : entry(of: raw.value(of: code))
            entries.withMutableSpan { $0[code] = found }
        }
        return Kernels.map(raw.codes, run, by: entries, into: codes)
    }

    private static let nothing = UInt32(UInt16.max) | Mark.unnamed

    private func entry(of value: LabelValue) -> UInt32 {
        guard case .integer(let label) = value else { return Self.nothing }
        let marks = label == 0 ? Mark.zero : label == 255 ? Mark.void : 0
        switch rule.meaning(of: label) {
        case .classIndex(let index): return marks | UInt32(index) | (index < UInt8.max ? 0 : Mark.wide)
        case .ignored: return marks | UInt32(UInt16.max)
        case nil: return marks | Self.nothing
        }
    }
}
